//! The chart, rendered by Helm and read as Kubernetes' own types.

use std::process::Command;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{programs, succeed, text, top};

fn render(values: &Value) -> Command {
    let python = programs("helm", &["helm-python-sdk==0.2.2", "pyyaml==6.0.3"]).join("python3");
    let mut command = Command::new(python);
    command.arg(top().join("tests/interop/render_chart.py")).arg(top().join("deploy/chart")).arg(values.to_string());
    command
}

#[track_caller]
fn objects(values: &Value) -> Vec<Value> {
    let output = succeed(&mut render(values));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn everything() -> Value {
    json!({"server": {"admins": ["a".repeat(64), "b".repeat(64)], "clientNamespaces": ["apps"]}, "examples": true})
}

/// Reads the object as `T` and writes it again: what `T` does not know is lost on the way, and then missing.
#[track_caller]
fn check<T: Serialize + DeserializeOwned>(object: &Value) {
    let read: T = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object}"));
    let written = serde_json::to_value(read).unwrap();
    lost("", object, &written);
}

#[track_caller]
fn lost(path: &str, from: &Value, to: &Value) {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => {
            for (name, value) in from {
                let path = format!("{path}.{name}");
                lost(&path, value, to.get(name).unwrap_or_else(|| panic!("Kubernetes knows no {path}")));
            }
        }
        (Value::Array(from), Value::Array(to)) => {
            assert_eq!(from.len(), to.len(), "{path}");
            from.iter().zip(to).for_each(|(from, to)| lost(path, from, to));
        }
        (from, to) => assert_eq!(from, to, "{path}"),
    }
}

#[test]
fn kubernetes_knows_every_field() {
    let objects = objects(&everything());
    for object in &objects {
        match object["kind"].as_str().unwrap() {
            "ServiceAccount" => check::<ServiceAccount>(object),
            "ConfigMap" => check::<ConfigMap>(object),
            "Service" => check::<Service>(object),
            "StatefulSet" => check::<StatefulSet>(object),
            "DaemonSet" => check::<DaemonSet>(object),
            "Deployment" => check::<Deployment>(object),
            "Pod" => check::<Pod>(object),
            "CronJob" => check::<CronJob>(object),
            "NetworkPolicy" => check::<NetworkPolicy>(object),
            "ClusterRole" => check::<ClusterRole>(object),
            "ClusterRoleBinding" => check::<ClusterRoleBinding>(object),
            other => panic!("an object of kind {other}"),
        }
    }
    for kind in ["StatefulSet", "DaemonSet", "Deployment", "Pod", "CronJob", "NetworkPolicy", "ClusterRole"] {
        assert!(objects.iter().any(|object| object["kind"] == kind), "no {kind}");
    }
}

#[test]
#[should_panic(expected = "Kubernetes knows no .spec.containers.imagePullPolicies")]
fn a_field_that_kubernetes_does_not_know_is_found() {
    check::<Pod>(&json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"},
        "spec": {"containers": [{"name": "x", "imagePullPolicies": "Always"}]},
    }));
}

#[test]
fn no_container_may_do_more_than_run() {
    let mut seen = 0;
    for object in objects(&everything()) {
        each_container(&object, &mut |container| {
            let locked = &container["securityContext"];
            assert_eq!(locked["readOnlyRootFilesystem"], true, "{container}");
            assert_eq!(locked["allowPrivilegeEscalation"], false, "{container}");
            assert_eq!(locked["capabilities"], json!({"drop": ["ALL"]}), "{container}");
            assert_eq!(locked["seccompProfile"]["type"], "RuntimeDefault", "{container}");
            assert_ne!(locked["privileged"], true, "{container}");
            seen += 1;
        });
    }
    assert!(seen >= 8, "{seen} containers");
}

fn each_container(value: &Value, see: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "containers" || name == "initContainers" {
                    value.as_array().unwrap().iter().for_each(&mut *see);
                }
                each_container(value, see);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| each_container(value, see)),
        _ => {}
    }
}

#[test]
fn the_server_may_only_ask_about_tokens() {
    let objects = objects(&everything());
    let roles: Vec<_> = objects.iter().filter(|object| object["kind"].as_str().unwrap().ends_with("Role")).collect();
    assert_eq!(roles.len(), 1);
    let rules = json!([{"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]}]);
    assert_eq!(roles[0]["rules"], rules);
}

#[test]
fn the_configurations_are_taken() {
    let directory = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for object in objects(&everything()).iter().filter(|object| object["kind"] == "ConfigMap") {
        for (name, content) in object["data"].as_object().unwrap() {
            let content = content.as_str().unwrap();
            if name.starts_with("ca-server") {
                ca_server::config::Config::parse(content, directory.path()).unwrap_or_else(|e| panic!("{name}: {e:?}"));
            } else {
                let path = directory.path().join(name);
                std::fs::write(&path, content).unwrap();
                let file = enroll_client::config::ConfigFile::read(&path).unwrap_or_else(|e| panic!("{name}: {e:?}"));
                let checked = file.check(&enroll_client::config::Surroundings::default());
                let config = checked.unwrap_or_else(|e| panic!("{name}: {e:?}"));
                // A volume's own directory has mode 0777, and is refused as a place for the host's key.
                assert_ne!(config.state_dir, std::path::Path::new("/var/lib/brevet"), "{name}");
                assert!(config.files.iter().all(|order| order.others_may_write), "{name}");
            }
            seen.push(name.clone());
        }
    }
    seen.sort();
    assert_eq!(seen, ["ca-server.toml", "enroll-client-files.toml", "enroll-client.toml"]);
}

#[test]
fn without_two_admins_it_says_what_is_missing() {
    let output = render(&json!({"server": {"admins": ["a".repeat(64)]}})).output().unwrap();
    assert!(!output.status.success() && text(&output.stderr).contains("ca-server admin new-key"), "{output:?}");
}
