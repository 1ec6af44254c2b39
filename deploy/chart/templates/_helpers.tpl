{{- define "brevet.labels" -}}
app.kubernetes.io/name: brevet
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* What every container may do: nothing but run. */}}
{{- define "brevet.locked" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "brevet.api" -}}
https://{{ .Release.Name }}-ca.{{ .Release.Namespace }}.svc:8443
{{- end }}

{{/* The pod's own token, for our audience alone. Ten minutes is the shortest that Kubernetes gives. */}}
{{- define "brevet.token" -}}
projected:
  sources:
    - serviceAccountToken: {path: token, audience: {{ .Values.server.audience | quote }}, expirationSeconds: 600}
{{- end }}

{{- define "brevet.clientVolumes" -}}
- name: brevet-config
  configMap: {name: {{ .Release.Name }}-client}
- name: brevet-trust
  configMap: {name: {{ .Values.client.trustConfigMap }}}
- name: brevet-token
  {{- include "brevet.token" . | nindent 2 }}
- name: brevet-state
  emptyDir: {medium: Memory, sizeLimit: 16Mi}
{{- end }}

{{- define "brevet.clientMounts" -}}
- {name: brevet-config, mountPath: /etc/brevet, readOnly: true}
- {name: brevet-trust, mountPath: /etc/brevet-trust, readOnly: true}
- {name: brevet-token, mountPath: /var/run/secrets/brevet, readOnly: true}
- {name: brevet-state, mountPath: /var/lib/brevet}
{{- end }}
