//! Another user than root, where advice says that one may do.

use super::once::Setting;
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Whom distributions call `nobody`.
pub const OTHER: u32 = 65_534;

/// Whether `lapwing advise pod` says that another user may do: root alone was seen, uses of capabilities
/// would have been seen, and it used none.
pub fn is_worth_a_try(advice: &Value) -> bool {
    let user = &advice["user"];
    user["uids"] == json!([0])
        && user["more"] == false
        && user["asRoot"]["first"] == json!([])
        && advice["capabilities"]["dropAll"] == true
}

/// The same setting as the other user, told in the patch as a person would do it.
///
/// # Errors
///
/// No patch, or one without a container.
pub fn other(setting: &Setting) -> Result<Setting> {
    let mut other = setting.clone();
    let patch = other.patch.as_mut().context("no patch")?;
    let container = patch.pointer_mut("/spec/template/spec/containers/0");
    let container = container.context("the patch has no container")?;
    container["securityContext"]["runAsUser"] = OTHER.into();
    container["securityContext"]["runAsNonRoot"] = true.into();
    other.user = Some(OTHER);
    Ok(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_user_is_tried_only_where_root_alone_needed_nothing() {
        let advice = json!({
            "user": {"uids": [0], "more": false, "asRoot": {"first": [], "more": 0}},
            "capabilities": {"dropAll": true},
        });
        assert!(is_worth_a_try(&advice));
        for (place, value) in [
            ("/user/uids", json!([0, 33])),
            ("/user/uids", json!([101])),
            ("/user/more", json!(true)),
            ("/user/asRoot/first", json!([{"entry": "privilege"}])),
            ("/capabilities/dropAll", json!(false)),
        ] {
            let mut changed = advice.clone();
            *changed.pointer_mut(place).unwrap() = value;
            assert!(!is_worth_a_try(&changed), "{changed}");
        }
    }

    #[test]
    fn the_other_user_stands_in_the_patch() {
        let patch = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "app", "securityContext": {"readOnlyRootFilesystem": true}}]}}}});
        let mut setting = Setting {
            layers: Vec::new(),
            patch: Some(patch),
            seccomp: None,
            user: None,
        };
        let changed = other(&setting).unwrap();
        let container = &changed.patch.unwrap()["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(
            container["securityContext"],
            json!({"readOnlyRootFilesystem": true, "runAsUser": OTHER, "runAsNonRoot": true})
        );
        assert_eq!(changed.user, Some(OTHER));
        setting.patch = Some(json!({"spec": {}}));
        assert!(other(&setting).is_err());
    }
}
