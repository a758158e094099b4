//! The writeback job in the configuration file: its schema, its scope, and how it answers what is not
//! published.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use engine::attributes::CONTRACT;
use engine::job::{
    Anchor, EscrowLadder, ExportMode, JobConfiguration, LimitAction, MAILBOX_LIMIT, MATCH_ORDER,
    ModifyGranularity, ProxyMode, RecipientTypeMode, Switches, WATERMARK_OVERLAP,
};
use engine::schema::{Mapping, Wish, document};
use engine::time::Timestamp;
use engine::writeback::ScopeFilter;
use engine::writeback::scope::Filter;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::scenario::duration;

/// `schedule.interval` of the job.
const INTERVAL: Duration = Duration::from_mins(20);

/// `writeback:`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Writeback {
    created_on: Option<jiff::civil::Date>,
    interval: Option<String>,
    /// A file with the whole schema in the shape of Microsoft Graph.
    pub(super) schema: Option<PathBuf>,
    /// Single mappings that differ from the default ones.
    mappings: BTreeMap<String, Option<String>>,
    match_order: Option<Vec<Key>>,
    proxy_mode: Proxies,
    write_onmicrosoft: Option<bool>,
    write_x500: Option<bool>,
    write_sip: bool,
    null_flow: bool,
    null_flow_multi: bool,
    recipient_type: Types,
    first_time_requires_initial: bool,
    export_mode: Export,
    drift_heal: Heal,
    classes: Classes,
    limit_action: Limit,
    mailbox_limit: Option<u64>,
    escrow_ladder: Ladder,
    modify_granularity: Granularity,
    cloud_only_types: CloudOnly,
    disabled_accounts: Disabled,
    mail: Option<bool>,
    watermark_overlap: Option<String>,
}

/// `scope:`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Scope {
    ous: Vec<String>,
    groups: Vec<String>,
}

/// A word of the file for each value of a switch; the first is the default.
macro_rules! words {
    ($name:ident: $first:ident $first_word:literal $(, $other:ident $word:literal)*) => {
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
        enum $name { #[default] $first $(, $other)* }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let known = [($first_word, Self::$first) $(, ($word, Self::$other))*];
                deserializer.deserialize_any(OneOf(&known))
            }
        }
    };
}

words!(Key: ObjectIdentifier "object_identifier", ImmutableId "immutable_id", ExternalId "external_id");
words!(Proxies: ReplaceSmtp "replace_smtp", ReplaceAll "replace_all", Merge "merge");
words!(Types: Remote "remote", Raw "raw");
words!(Export: WholeDiff "whole_diff", ChangedAttributes "changed_attributes");
words!(Heal: InitialCycle "initial_cycle", EveryCycle "every_cycle");
words!(Classes: User "user", UserAndInetOrgPerson "user_and_inet_org_person");
words!(Limit: Warn "warn", Refuse "refuse");
words!(Ladder: General "general", EveryCycle "every_cycle");
words!(Granularity: Object "object", Attribute "attribute");
words!(CloudOnly: Skip "skip", AsRoom "as_room");
words!(Disabled: Write "write", Skip "skip");

/// Takes one of these words; anything else is told what they are.
struct OneOf<'a, T>(&'a [(&'static str, T)]);

impl<T: Copy> Visitor<'_> for OneOf<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(|(word, _)| format!("`{word}`")).collect();
        write!(f, "one of the words {}", words.join(", "))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let found = self.0.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl Writeback {
    /// The job of a domain and its schema in the shape of Microsoft Graph; `schema` is the text of the file that
    /// `schema:` names.
    ///
    /// # Errors
    /// What is wrong, with the key that says it.
    pub(super) fn configuration(
        &self,
        scope: Scope,
        schema: Option<&str>,
        domain: &str,
    ) -> Result<(JobConfiguration, Value), String> {
        let interval = self.interval.as_deref().map_or(Ok(INTERVAL), |text| {
            duration(text).map_err(|expected| format!("`writeback.interval`: expected {expected}"))
        })?;
        if interval.is_zero() {
            return Err("`writeback.interval` leaves no time between two cycles".to_owned());
        }
        let created_on = match self.created_on {
            None => engine::attributes::GENERAL_AVAILABILITY,
            Some(date) => {
                let midnight = date
                    .to_zoned(jiff::tz::TimeZone::UTC)
                    .map_err(|error| format!("`writeback.created_on`: {error}"))?;
                Timestamp::from_micros(midnight.timestamp().as_microsecond())
            }
        };
        let names = ScopeFilter { containers: scope.ous, groups: scope.groups };
        let scope = names.parse().map_err(|error| format!("`scope`: {error}"))?;
        let (mapping, scope, shown) = self.mapping(schema, (&names, scope), created_on)?;
        let job = JobConfiguration {
            id: format!("writeback.{domain}"),
            rule: "default".to_owned(),
            created_on,
            interval,
            switches: self.switches()?,
            mapping,
            scope,
        };
        Ok((job, shown))
    }

    /// The attribute mappings and the scope: those of the schema file, or the default ones with single
    /// changes.
    fn mapping(
        &self,
        schema: Option<&str>,
        (names, scope): (&ScopeFilter, Filter),
        created_on: Timestamp,
    ) -> Result<(Option<Mapping>, Filter, Value), String> {
        if let Some(text) = schema {
            if !self.mappings.is_empty() || !scope.is_open() || self.mail.is_some() {
                return Err("`writeback.schema` says everything of mapping and scope: leave out \
                            `writeback.mappings`, `writeback.mail` and `scope`"
                    .to_owned());
            }
            let refuse = |why: String| format!("`writeback.schema`: {why}");
            let value = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
            let read = document::read(&value).map_err(|error| refuse(error.to_string()))?;
            return Ok((Some(read.mapping), read.scope, value));
        }
        let with_mail = self.mail.unwrap_or(true);
        let mut wishes: Vec<Wish> = CONTRACT
            .iter()
            .filter(|attribute| {
                attribute.is_default_for(created_on) && (with_mail || attribute.ldap_name != "mail")
            })
            .map(|attribute| Wish {
                target: attribute.ldap_name.to_owned(),
                source: match attribute.ldap_name {
                    "msExchRecipientDisplayType" => "[RecipientDisplayType]".to_owned(),
                    _ => format!("[{}]", attribute.property),
                },
                default: None,
            })
            .collect();
        for (target, source) in &self.mappings {
            wishes.retain(|wish| !wish.target.eq_ignore_ascii_case(target));
            if let Some(source) = source {
                let is_name = source.chars().all(char::is_alphanumeric);
                let source = if is_name { format!("[{source}]") } else { source.clone() };
                wishes.push(Wish { target: target.clone(), source, default: None });
            } else if engine::attributes::by_ldap_name(target).is_none() {
                return Err(format!("`writeback.mappings`: `{target}` is not mapped anyway"));
            }
        }
        let mapping =
            Mapping::new(&wishes).map_err(|error| format!("`writeback.mappings`: {error}"))?;
        let mapping = (!self.mappings.is_empty()).then_some(mapping);
        Ok((mapping, scope, document::write(&wishes, names)))
    }

    fn switches(&self) -> Result<Switches, String> {
        let anchor = |key| match key {
            Key::ObjectIdentifier => Anchor::ObjectIdentifier,
            Key::ImmutableId => Anchor::ImmutableId,
            Key::ExternalId => Anchor::ExternalId,
        };
        Ok(Switches {
            match_order: match self.match_order.as_deref() {
                None => MATCH_ORDER,
                Some([a, b, c]) if a != b && a != c && b != c => [a, b, c].map(|key| anchor(*key)),
                Some(_) => {
                    return Err("`writeback.match_order` names each of `object_identifier`, `immutable_id` and \
                                `external_id` once"
                        .to_owned());
                }
            },
            proxy_mode: match self.proxy_mode {
                Proxies::ReplaceSmtp => ProxyMode::ReplaceSmtp,
                Proxies::ReplaceAll => ProxyMode::ReplaceAll,
                Proxies::Merge => ProxyMode::Merge,
            },
            write_onmicrosoft: self.write_onmicrosoft.unwrap_or(true),
            write_x500: self.write_x500.unwrap_or(true),
            write_sip: self.write_sip,
            null_flow: self.null_flow,
            null_flow_multi: self.null_flow_multi,
            recipient_type_mode: match self.recipient_type {
                Types::Remote => RecipientTypeMode::Remote,
                Types::Raw => RecipientTypeMode::Raw,
            },
            first_time_requires_initial: self.first_time_requires_initial,
            export_mode: match self.export_mode {
                Export::WholeDiff => ExportMode::WholeDiff,
                Export::ChangedAttributes => ExportMode::ChangedAttributes,
            },
            drift_heal: self.drift_heal == Heal::EveryCycle,
            inet_org_person: self.classes == Classes::UserAndInetOrgPerson,
            limit_action: match self.limit_action {
                Limit::Warn => LimitAction::Warn,
                Limit::Refuse => LimitAction::Refuse,
            },
            mailbox_limit: self.mailbox_limit.unwrap_or(MAILBOX_LIMIT),
            escrow_ladder: match self.escrow_ladder {
                Ladder::General => EscrowLadder::General,
                Ladder::EveryCycle => EscrowLadder::EveryCycle,
            },
            modify_granularity: match self.modify_granularity {
                Granularity::Object => ModifyGranularity::Object,
                Granularity::Attribute => ModifyGranularity::Attribute,
            },
            cloud_only_types_as_rooms: self.cloud_only_types == CloudOnly::AsRoom,
            write_disabled: self.disabled_accounts == Disabled::Write,
            mail_mapped: self.mail.unwrap_or(true),
            watermark_overlap: self.watermark_overlap.as_deref().map_or(
                Ok(WATERMARK_OVERLAP),
                |text| {
                    let wrong =
                        |expected| format!("`writeback.watermark_overlap`: expected {expected}");
                    duration(text).map_err(wrong)
                },
            )?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(text: &str, schema: Option<&str>) -> Result<JobConfiguration, String> {
        let file: Writeback = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        file.configuration(Scope::default(), schema, "contoso.com").map(|(job, _)| job)
    }

    /// What a configuration comes to can be read, changed, and given back as a file.
    #[test]
    fn the_schema_that_is_shown_is_the_one_that_counts() {
        let file: Writeback =
            serde_saphyr::from_str("mappings: {extensionAttribute1: CustomAttribute9, mail: ~}")
                .unwrap();
        let scope = Scope { ous: vec!["OU=Staff,DC=c".into()], groups: Vec::new() };
        let (job, shown) = file.configuration(scope, None, "contoso.com").unwrap();
        let again = configuration("{}", Some(&shown.to_string())).unwrap();
        assert_eq!((again.mapping, again.scope), (job.mapping, job.scope));
        let usual: Writeback = serde_saphyr::from_str("{}").unwrap();
        let (_, shown) = usual.configuration(Scope::default(), None, "contoso.com").unwrap();
        let flows = &shown["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"];
        assert_eq!(flows.as_array().map(Vec::len), Some(24));
    }

    #[test]
    fn what_is_malformed_is_told_what_is_expected() {
        let refused = |text: &str| configuration(text, None).unwrap_err();
        for (text, words) in [
            ("escrow_ladder: []", "one of the words `general`, `every_cycle`"),
            ("escrow_ladder: {general: 1}", "one of the words `general`, `every_cycle`"),
            ("proxy_mode: swap", "one of the words `replace_smtp`, `replace_all`, `merge`"),
            ("classes: 7", "one of the words `user`"),
            ("match_order: []", "names each of"),
            ("match_order: [external_id, external_id, immutable_id]", "names each of"),
            (
                "match_order: [external_id, name, immutable_id]",
                "one of the words `object_identifier`",
            ),
            ("interval: 0s", "no time between"),
            ("interval: soon", "`writeback.interval`"),
        ] {
            let why = refused(text);
            assert!(why.contains(words), "{text}: {why}");
        }
    }

    #[test]
    fn single_mappings_change_the_default_ones() {
        let text = "mappings: {extensionAttribute1: CustomAttribute9, mail: 'ToLower([Mail])', extensionAttribute2: ~}";
        let mapping = configuration(text, None).unwrap().mapping.unwrap();
        assert_eq!(mapping.flows().len(), 23);
        let refused = |text: &str| configuration(text, None).unwrap_err();
        assert!(refused("mappings: {department: CustomAttribute1}").contains("department"));
        assert!(refused("mappings: {mail: 'Guid()'}").contains("Guid"));
        assert!(refused("mappings: {department: ~}").contains("not mapped anyway"));
        assert!(configuration("interval: 30m", None).unwrap().mapping.is_none());
    }

    #[test]
    fn a_schema_file_says_everything() {
        let schema = r#"{"synchronizationRules": [{"objectMappings": [{"attributeMappings": [
            {"targetAttributeName": "mail", "source": {"expression": "[Mail]"}}]}],
            "groupFilter": {"includedGroups": ["CN=Pilot,DC=c"]}}]}"#;
        let job = configuration("interval: 30m", Some(schema)).unwrap();
        assert_eq!(job.mapping.unwrap().flows().len(), 1);
        assert!(!job.scope.is_open());
        let both = configuration("mail: true", Some(schema)).unwrap_err();
        assert!(both.contains("says everything"));
        assert!(configuration("{}", Some("{")).unwrap_err().contains("writeback.schema"));
    }

    #[test]
    fn every_switch_of_the_job_has_its_word() {
        let text = "{match_order: [external_id, object_identifier, immutable_id], proxy_mode: merge, \
                    write_onmicrosoft: false, write_x500: false, write_sip: true, null_flow: true, null_flow_multi: true, \
                    watermark_overlap: 90s, \
                    recipient_type: raw, first_time_requires_initial: true, \
                    export_mode: changed_attributes, drift_heal: every_cycle, \
                    classes: user_and_inet_org_person, limit_action: refuse, \
                    mailbox_limit: 5, escrow_ladder: every_cycle, modify_granularity: attribute, \
                    cloud_only_types: as_room, disabled_accounts: skip, mail: false}";
        let switches = configuration(text, None).unwrap().switches;
        let others = Switches::default();
        assert_eq!(
            switches,
            Switches {
                match_order: [Anchor::ExternalId, Anchor::ObjectIdentifier, Anchor::ImmutableId],
                proxy_mode: ProxyMode::Merge,
                write_onmicrosoft: !others.write_onmicrosoft,
                write_x500: !others.write_x500,
                write_sip: !others.write_sip,
                null_flow: !others.null_flow,
                null_flow_multi: !others.null_flow_multi,
                recipient_type_mode: RecipientTypeMode::Raw,
                first_time_requires_initial: !others.first_time_requires_initial,
                export_mode: ExportMode::ChangedAttributes,
                drift_heal: !others.drift_heal,
                inet_org_person: !others.inet_org_person,
                limit_action: LimitAction::Refuse,
                mailbox_limit: 5,
                escrow_ladder: EscrowLadder::EveryCycle,
                modify_granularity: ModifyGranularity::Attribute,
                cloud_only_types_as_rooms: !others.cloud_only_types_as_rooms,
                write_disabled: !others.write_disabled,
                mail_mapped: !others.mail_mapped,
                watermark_overlap: Duration::from_secs(90),
            }
        );
        assert!(configuration("proxy_mode: swap", None).is_err());
    }
}
