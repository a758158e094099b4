//! `onPremisesSyncBehavior`: the source of authority of a whole user.
//!
//! Source: Microsoft Graph reference, resource type onPremisesSyncBehavior.

use serde_json::json;

use super::error::GraphError;
use super::{Operation, listing, ok, users};
use crate::wire::identity::app_role;
use crate::wire::message::Answer;

/// `GET /users/{id}/onPremisesSyncBehavior`.
pub(super) fn get(operation: &Operation<'_>, key: &str) -> Result<Answer, GraphError> {
    operation.require(&[app_role::USER_SYNC_BEHAVIOR])?;
    operation.only_options(&["select"])?;
    let missing = || GraphError::no_resource(key);
    let (id, flag, at) = operation.with(|estate, caller| {
        let id = users::id_of(estate, key).ok_or_else(missing)?;
        let flag = estate.object_cloud_managed(caller, &[id]).into_iter().flatten().next();
        Ok((id, flag.ok_or_else(missing)?, estate.now()))
    })?;
    let mut record = json!({"id": id.to_string(), "isCloudManaged": flag});
    listing::select(operation, &mut record, "onPremisesSyncBehavior")?;
    let context = operation.context(&format!("users('{id}')/onPremisesSyncBehavior/$entity"));
    let mut body = json!({"@odata.context": context});
    if let (Some(body), Some(record)) = (body.as_object_mut(), record.as_object_mut()) {
        body.append(record);
    }
    Ok(ok(&body, at))
}
