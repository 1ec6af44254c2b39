//! The OpenAPI document: the checked-in one is that of the code, and it names every route.
//!
//! `BREVET_WRITE=1 cargo test --workspace --test tree openapi` writes it anew.

use std::collections::BTreeSet;

use ca_server::api::openapi::document;

use crate::source::{none, read, root};

const PLACE: &str = "docs/openapi.json";

#[test]
fn the_checked_in_document_is_that_of_the_code() {
    let document = format!("{}\n", document());
    if std::env::var_os("BREVET_WRITE").is_some() {
        std::fs::write(root().join(PLACE), &document).unwrap();
    }
    assert!(read(PLACE) == document, "write it anew: BREVET_WRITE=1 cargo test --workspace --test tree openapi");
}

#[test]
fn every_route_is_in_the_document() {
    let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut complaints = Vec::new();
    for file in ["ca-server/src/api.rs", "ca-server/src/api/operate.rs"] {
        for line in read(file).lines() {
            let Some((path, rest)) = line.trim().strip_prefix(".route(\"").and_then(|rest| rest.split_once('"')) else {
                continue;
            };
            let methods = ["get", "post"].into_iter().filter(|method| rest.contains(&format!("{method}(")));
            complaints.extend(
                methods
                    .filter(|method| {
                        path != "/v1/openapi.json" && paths.get(path).is_none_or(|path| path.get(*method).is_none())
                    })
                    .map(|method| format!("{file}: {method} {path}")),
            );
        }
    }
    none("each route has #[utoipa::path] and stands in api/openapi.rs", &complaints);
    let operations: Vec<&str> = paths
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(
        operations.iter().collect::<BTreeSet<_>>().len(),
        operations.len(),
        "each operation has a name of its own"
    );
}
