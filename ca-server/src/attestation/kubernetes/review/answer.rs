//! What a cluster says of a token, held against what the token says of itself. Knows the shape of a TokenReview
//! (Kubernetes API reference, authentication.k8s.io/v1) and how service accounts appear in one; sends nothing.
//!
//! An answer only ever takes away: who the pod is stands in the token, and the answer must say the same. So both modes
//! make the same claims, and an API server that answers for somebody else is noticed.

use super::flaw::{Field, ReviewError};
use super::{API_VERSION, KIND, Question};
use crate::attestation::kubernetes::claims::Bound;
use crate::attestation::shown::Shown;
use crate::attestation::strict_json::{Json, Members, parse_object};

/// Checks an answer, in the order in which a reader may believe it: that it is one, that it is about this token, that
/// the token is good, that it is good for us, and for whom.
pub(super) fn check(octets: &[u8], question: &Question<'_>) -> Result<(), ReviewError> {
    let answer = parse_object(octets).map_err(ReviewError::Malformed)?;
    check_form(&answer)?;
    check_echo(&answer, question)?;
    let status = object(&answer, "status", "status")?.ok_or(ReviewError::Missing { member: "status" })?;
    check_authenticated(status, question)?;
    check_audiences(status, question)?;
    check_user(status, question)
}

fn check_form(answer: &Members) -> Result<(), ReviewError> {
    for (member, wanted) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        let found = text(answer, member, member)?.ok_or(ReviewError::Missing { member })?;
        if found != wanted {
            return Err(ReviewError::Form { member, found: Shown::of(found), wanted });
        }
    }
    Ok(())
}

/// An API server repeats what it was asked. Where it does, it must be our question.
fn check_echo(answer: &Members, question: &Question<'_>) -> Result<(), ReviewError> {
    let Some(spec) = object(answer, "spec", "spec")? else { return Ok(()) };
    match text(spec, "token", "spec.token")? {
        Some("") | None => Ok(()),
        Some(token) if token == question.token => Ok(()),
        Some(_) => Err(ReviewError::OtherToken),
    }
}

/// `authenticated` is true, and there is no error beside it. A pod, node or account that is gone is said here: false.
fn check_authenticated(status: &Members, question: &Question<'_>) -> Result<(), ReviewError> {
    let error = text(status, "error", "status.error")?.filter(|error| !error.is_empty());
    let said = error.map(|error| told(error, question));
    match (status.get("authenticated"), said) {
        (Some(Json::Bool(true)), None) => Ok(()),
        (Some(Json::Bool(true)), Some(said)) => Err(ReviewError::Contradicts { said }),
        // False may be left out (omitempty).
        (Some(Json::Bool(false)) | None, said) => {
            Err(ReviewError::NotAuthenticated { said: said.unwrap_or_else(|| Shown::of("no reason")) })
        }
        (Some(_), _) => Err(ReviewError::Type { member: "status.authenticated", wanted: "true or false" }),
    }
}

/// Ours and no other. Without audiences, the server does not look at them: then a token for the API server itself, which
/// every pod has, would do (T-21; istio #14913).
fn check_audiences(status: &Members, question: &Question<'_>) -> Result<(), ReviewError> {
    let member = "status.audiences";
    let wrong_type = ReviewError::Type { member, wanted: "list of texts" };
    let found: Vec<&str> = match status.get("audiences") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::List(several)) => several.iter().map(Json::text).collect::<Option<_>>().ok_or(wrong_type)?,
        Some(_) => return Err(wrong_type),
    };
    match found.as_slice() {
        [] => Err(ReviewError::AudienceUnaware { wanted: Shown::of(question.audience) }),
        [one] if *one == question.audience => Ok(()),
        several => Err(ReviewError::Audience {
            found: several.iter().take(MAX_AUDIENCES_SHOWN).map(|one| Shown::of(one)).collect(),
            wanted: Shown::of(question.audience),
        }),
    }
}

/// The user is the token's service account, by name and UID; pod, node and token id are those of the token.
fn check_user(status: &Members, question: &Question<'_>) -> Result<(), ReviewError> {
    let user = object(status, "user", "status.user")?.ok_or(ReviewError::Missing { member: "status.user" })?;
    let pod = question.pod;
    let account = &pod.service_account;
    let username = format!("system:serviceaccount:{}:{}", pod.namespace, account.name);
    agree(Field::Username, text(user, "username", "status.user.username")?, Some(&username))?;
    agree(Field::ServiceAccountUid, text(user, "uid", "status.user.uid")?, Some(account.uid))?;
    let extra = object(user, "extra", "status.user.extra")?;
    let one = |key: &str| extra.map_or(Ok(None), |extra| only_text(extra, key));
    agree(Field::PodName, one("authentication.kubernetes.io/pod-name")?, Some(pod.pod.name))?;
    agree(Field::PodUid, one("authentication.kubernetes.io/pod-uid")?, Some(pod.pod.uid))?;
    // Node and token id since Kubernetes 1.30, in token and answer alike: there in both, or in neither.
    let node = |part: fn(&Bound<'_>) -> String| pod.node.as_ref().map(part);
    let (name, uid) = (node(|node| node.name.to_owned()), node(|node| node.uid.to_owned()));
    agree(Field::NodeName, one("authentication.kubernetes.io/node-name")?, name.as_deref())?;
    agree(Field::NodeUid, one("authentication.kubernetes.io/node-uid")?, uid.as_deref())?;
    let id = pod.id.map(|id| format!("JTI={id}"));
    agree(Field::TokenId, one("authentication.kubernetes.io/credential-id")?, id.as_deref())
}

fn agree(field: Field, found: Option<&str>, wanted: Option<&str>) -> Result<(), ReviewError> {
    if found == wanted {
        return Ok(());
    }
    let shown = |value: Option<&str>| value.map_or_else(|| Shown::of("missing"), Shown::of);
    Err(ReviewError::Disagrees { field, found: shown(found), wanted: shown(wanted) })
}

/// A value of `extra`: a list, of one text here.
fn only_text<'a>(extra: &'a Members, key: &str) -> Result<Option<&'a str>, ReviewError> {
    match extra.get(key) {
        None => Ok(None),
        Some(Json::List(items)) => match items.as_slice() {
            [Json::Text(text)] => Ok(Some(text)),
            _ => Err(ReviewError::Type { member: "status.user.extra", wanted: "lists of one text" }),
        },
        Some(_) => Err(ReviewError::Type { member: "status.user.extra", wanted: "lists of one text" }),
    }
}

/// A member that may be absent or null, and else is a text.
fn text<'a>(members: &'a Members, name: &str, member: &'static str) -> Result<Option<&'a str>, ReviewError> {
    match members.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err(ReviewError::Type { member, wanted: "text" }),
    }
}

/// A member that may be absent or null, and else is an object.
fn object<'a>(members: &'a Members, name: &str, member: &'static str) -> Result<Option<&'a Members>, ReviewError> {
    match members.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(object)) => Ok(Some(object)),
        Some(_) => Err(ReviewError::Type { member, wanted: "object" }),
    }
}

/// What the cluster gives as its reason; withheld where it repeats the token, which is nobody else's to read (T-70).
fn told(error: &str, question: &Question<'_>) -> Shown {
    let parts = question.token.split('.').filter_map(|part| part.get(..REPEATED_CHARACTERS.min(part.len())));
    let repeats = parts.filter(|start| !start.is_empty()).any(|start| error.contains(start));
    if repeats { Shown::of("withheld, because it repeats the token") } else { Shown::of(error) }
}

/// Audiences repeated in a refusal.
const MAX_AUDIENCES_SHOWN: usize = 4;
/// A text that holds this much of the start of a part of a token is taken to repeat it.
const REPEATED_CHARACTERS: usize = 12;
