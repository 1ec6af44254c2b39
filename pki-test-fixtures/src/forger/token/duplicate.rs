//! Tokens that say a thing twice (T-13): which of the two counts depends on who reads.

use super::TokenForger;
use crate::forger::flaws;
use crate::jws;

flaws! {
    /// Members that stand twice (T-13).
    TokenForger<'_>, duplicates:

    /// `exp` twice, the false one first.
    fn exp_stands_twice_false_first(&self) { self.prefixed(r#""exp":99999999999,"#) }
    /// `exp` twice, the false one last.
    fn exp_stands_twice_false_last(&self) { self.suffixed(r#","exp":99999999999"#) }
    /// `aud` twice.
    fn aud_stands_twice(&self) { self.suffixed(r#","aud":["another"]"#) }
    /// `iss` twice with the same value.
    fn iss_stands_twice_alike(&self) { self.suffixed(&format!(r#","iss":"{}""#, self.cluster.issuer())) }
    /// `sub` twice, once spelled with an escape.
    fn sub_stands_twice_escaped(&self) { self.suffixed(r#","s\u0075b":"system:serviceaccount:kube-system:admin""#) }
    /// `sub` twice in different case.
    fn sub_stands_twice_in_capitals(&self) { self.suffixed(r#","SUB":"system:serviceaccount:kube-system:admin""#) }
    /// `kubernetes.io` twice.
    fn kubernetes_stands_twice(&self) { self.suffixed(r#","kubernetes.io":{"namespace":"kube-system"}"#) }
    /// `namespace` twice inside `kubernetes.io`.
    fn namespace_stands_twice(&self) {
        let text = self.text().replacen(r#""namespace":"#, r#""namespace":"kube-system","namespace":"#, 1);
        self.spelled(text.as_bytes())
    }
    /// `uid` twice inside the pod.
    fn pod_uid_stands_twice(&self) {
        let genuine = format!(r#""uid":"{}""#, self.pod.uid);
        let twice = format!(r#"{genuine},"uid":"00000000-0000-4000-8000-000000000000""#);
        self.spelled(self.text().replacen(&genuine, &twice, 1).as_bytes())
    }
    /// `alg` twice in the header.
    fn alg_stands_twice(&self) {
        let kid = self.cluster.key().kid();
        let alg = self.cluster.key().algorithm().name();
        let header = format!(r#"{{"alg":"none","alg":"{alg}","kid":"{kid}"}}"#);
        jws::compact(header.as_bytes(), self.text().as_bytes(), |input| self.cluster.key().sign(input)).into_bytes()
    }
    /// `kid` twice in the header.
    fn kid_stands_twice(&self) {
        let kid = self.cluster.key().kid();
        let alg = self.cluster.key().algorithm().name();
        let header = format!(r#"{{"alg":"{alg}","kid":"another","kid":"{kid}"}}"#);
        jws::compact(header.as_bytes(), self.text().as_bytes(), |input| self.cluster.key().sign(input)).into_bytes()
    }
}

impl TokenForger<'_> {
    fn prefixed(&self, members: &str) -> Vec<u8> {
        self.spelled(format!("{{{members}{}", &self.text()[1..]).as_bytes())
    }

    fn suffixed(&self, members: &str) -> Vec<u8> {
        let text = self.text();
        self.spelled(format!("{}{members}}}", &text[..text.len() - 1]).as_bytes())
    }
}
