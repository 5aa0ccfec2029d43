//! The properties of an object that are read, and which of its words are worth a search.

macro_rules! fields {
    ($($variant:ident $name:literal),+ $(,)?) => {
        /// A property at the top of an object that is read. It may stand there once only.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Field {
            $($variant),+
        }

        impl Field {
            pub(super) fn of(key: &str) -> Option<Self> {
                match key {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }
    };
}

fields! {
    Kind "type",
    Id "id",
    SpecVersion "spec_version",
    Created "created",
    Modified "modified",
    Revoked "revoked",
    CreatedBy "created_by_ref",
    Markings "object_marking_refs",
    Granular "granular_markings",
    Definition "definition",
    DefinitionType "definition_type",
    Extensions "extensions",
    RelationshipType "relationship_type",
    Labels "labels",
    IndicatorTypes "indicator_types",
    Name "name",
    Confidence "confidence",
    ValidFrom "valid_from",
    ValidUntil "valid_until",
    Pattern "pattern",
    PatternType "pattern_type",
    External "external_references",
}

/// True for a property whose strings, or list of strings, are words worth a search: names, prose, values of
/// observables.
pub(super) fn is_words(key: &str) -> bool {
    matches!(
        key,
        "abstract"
            | "account_login"
            | "administrative_area"
            | "aliases"
            | "city"
            | "command_line"
            | "contact_information"
            | "content"
            | "country"
            | "cpe"
            | "description"
            | "display_name"
            | "explanation"
            | "goals"
            | "infrastructure_types"
            | "issuer"
            | "key"
            | "malware_types"
            | "number"
            | "path"
            | "product"
            | "region"
            | "result_name"
            | "roles"
            | "sectors"
            | "serial_number"
            | "statement"
            | "subject"
            | "threat_actor_types"
            | "tool_types"
            | "user_id"
            | "value"
            | "vendor"
            | "x_mitre_aliases"
            | "x_mitre_platforms"
            | "x_opencti_aliases"
            | "x_opencti_description"
            | "address"
    )
}
