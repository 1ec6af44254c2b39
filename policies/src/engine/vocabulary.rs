//! Names of types and of things that are always there, made once for all requests. Knows the schema; decides nothing.

use std::collections::BTreeMap;

use cedar_policy::{Entities, EntityId, EntityTypeName, EntityUid, Schema};

use crate::action::Action;
use crate::schema::NAMESPACE;

/// What is the same in every request.
pub(super) struct Vocabulary {
    pub(super) host: EntityTypeName,
    pub(super) agent: EntityTypeName,
    pub(super) person: EntityTypeName,
    pub(super) role: EntityTypeName,
    pub(super) profile: EntityTypeName,
    pub(super) identity: EntityTypeName,
    pub(super) local: EntityUid,
    pub(super) server: EntityUid,
    pub(super) claims: EntityUid,
    pub(super) schema: Schema,
    actions: BTreeMap<Action, Standing>,
}

/// An action's id, and the entity that stands beside every request for it: itself, with its group. The server and the root have
/// neither attributes nor parents, so that Cedar needs no entity for them.
#[derive(Clone)]
pub(super) struct Standing {
    pub(super) uid: EntityUid,
    pub(super) entities: Entities,
}

impl Vocabulary {
    /// Makes all names. An error is one of ours: names and schema are constants.
    pub(super) fn new(schema: Schema) -> Result<Self, String> {
        let local = uid(&type_name("Local")?, "root");
        let server = uid(&type_name("Server")?, "ca");
        let groups = schema.action_entities().map_err(|error| error.to_string())?;
        let action_type = type_name("Action")?;
        let mut actions = BTreeMap::new();
        for action in Action::ALL {
            let uid_of_action = uid(&action_type, action.as_str());
            let entity = groups.get(&uid_of_action).ok_or_else(|| format!("the schema has no action `{action}`"))?;
            let entities = Entities::from_entities([entity.clone()], None).map_err(|error| error.to_string())?;
            actions.insert(*action, Standing { uid: uid_of_action, entities });
        }
        Ok(Self {
            host: type_name("Host")?,
            agent: type_name("Agent")?,
            person: type_name("Person")?,
            role: type_name("Role")?,
            profile: type_name("Profile")?,
            identity: type_name("Identity")?,
            claims: uid(&type_name("Claims")?, "shown"),
            local,
            server,
            schema,
            actions,
        })
    }

    pub(super) fn action(&self, action: Action) -> Result<&Standing, String> {
        self.actions.get(&action).ok_or_else(|| format!("there is no action `{action}`"))
    }
}

pub(super) fn uid(type_name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(type_name.clone(), EntityId::new(id))
}

fn type_name(name: &str) -> Result<EntityTypeName, String> {
    format!("{NAMESPACE}::{name}").parse().map_err(|error: cedar_policy::ParseErrors| error.to_string())
}
