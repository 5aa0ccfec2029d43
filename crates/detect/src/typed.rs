//! Values that are too short or common to count in raw bytes: they match where a field of an event says what they are.

use perisai_model::{Event, Kind, Value};

/// The fields that hold a kind. A name matches whole or behind its last dots (`process.name` in
/// `winlog.process.name`), without regard to case.
const FIELDS: &[(Kind, &[&str])] = &[
    (
        Kind::FileName,
        &[
            "filename",
            "file_name",
            "file.name",
            "file.path",
            "filepath",
            "originalfilename",
            "targetfilename",
            "sourcefilename",
            "image",
            "imageloaded",
            "parentimage",
            "newprocessname",
            "process.executable",
            "path",
            "fname",
            "fileinfo.filename",
            "name",
            "exe",
            "objectname",
            "attachment",
            "attachments",
            "imagefilename",
            "imagepath",
            "image path",
            "folderpath",
            "initiatingprocessfilename",
            "initiatingprocessfolderpath",
            "servicefilename",
        ],
    ),
    (
        Kind::ProcessName,
        &[
            "process.name",
            "processname",
            "process_name",
            "process.executable",
            "process.parent.name",
            "process.parent.executable",
            "image",
            "parentimage",
            "newprocessname",
            "parentprocessname",
            "sourceimage",
            "targetimage",
            "originalfilename",
            "comm",
            "exe",
            "_comm",
            "_exe",
            "program",
            "appname",
            "application",
            "imagefilename",
            "imagepath",
            "initiatingprocessfilename",
            "initiatingprocessparentfilename",
            "servicefilename",
        ],
    ),
    (
        Kind::Asn,
        &[
            "asn",
            "as",
            "as.number",
            "as_number",
            "autonomous_system",
            "autonomous_system_number",
        ],
    ),
    (
        Kind::Cve,
        &[
            "cve",
            "cves",
            "cve_id",
            "vulnerability",
            "vulnerability.id",
            "vulnerabilities",
            "alert.signature",
            "signature",
            "alert.metadata.cve",
            "references",
            "cs1",
            "name",
        ],
    ),
    (
        Kind::Mutex,
        &[
            "mutex",
            "mutant",
            "mutex_name",
            "mutexname",
            "objectname",
            "object_name",
        ],
    ),
    (
        Kind::X509Serial,
        &[
            "serial",
            "serial_number",
            "serialnumber",
            "certificate.serial",
            "x509.serial_number",
            "tls.serial",
            "certserialnumber",
        ],
    ),
];

/// True where a field of the right kind holds the value.
pub(crate) fn stands_in_field(kind: Kind, value: &str, event: &Event) -> bool {
    let Some((_, names)) = FIELDS.iter().find(|(of, _)| *of == kind) else {
        return true;
    };
    event
        .iter()
        .any(|(name, held)| names.iter().any(|wanted| is_named(name, wanted)) && holds(kind, value, held))
}

fn is_named(name: &str, wanted: &str) -> bool {
    let Some(at) = name.len().checked_sub(wanted.len()) else {
        return false;
    };
    let (before, tail) = name.as_bytes().split_at(at);
    tail.eq_ignore_ascii_case(wanted.as_bytes()) && (before.is_empty() || before.ends_with(b"."))
}

fn holds(kind: Kind, value: &str, held: Value<'_>) -> bool {
    let Some(text) = held.text() else { return false };
    match kind {
        Kind::FileName | Kind::ProcessName => {
            is_named_in_path(&text, value) || is_named_in_path(program(&text), value)
        }
        Kind::Asn => {
            let digits = |text: &str| text.trim_start_matches(['A', 'a', 'S', 's', ' ']).to_owned();
            text.split(' ')
                .next()
                .is_some_and(|first| digits(first) == digits(value))
        }
        Kind::Cve => {
            let text = text.to_ascii_uppercase().replace('_', "-");
            text.match_indices(value).any(|(at, _)| {
                !text[at + value.len()..].starts_with(|c: char| c.is_ascii_digit())
                    && !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric())
            })
        }
        Kind::X509Serial => {
            let plain = |text: &str| {
                text.replace([':', ' '], "")
                    .trim_start_matches('0')
                    .to_ascii_lowercase()
            };
            plain(&text) == plain(value)
        }
        // A mutant stands under its session: `\Sessions\1\BaseNamedObjects\name`.
        _ => {
            text == value
                || text
                    .strip_suffix(value)
                    .is_some_and(|before| before.ends_with('\\'))
        }
    }
}

/// Whether a path ends in a name.
fn is_named_in_path(path: &str, name: &str) -> bool {
    let path = path.trim_end_matches(['/', '\\']);
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    last.eq_ignore_ascii_case(name)
}

/// The program of a command, as services are registered: `"C:\x y\evil.exe" -k`.
fn program(command: &str) -> &str {
    match command.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => command.split(' ').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, value: &str, field: (&str, &str), expected: bool) {
        let mut event = Event::default();
        event.push_str(field.0, field.1);
        assert_eq!(
            stands_in_field(kind, value, &event),
            expected,
            "{kind} {value} in {field:?}"
        );
    }

    #[test]
    fn fields_of_the_right_kind() {
        check(
            Kind::FileName,
            "evil.exe",
            ("TargetFilename", r"C:\x\EVIL.exe"),
            true,
        );
        check(
            Kind::FileName,
            "evil.exe",
            ("ImagePath", r#""C:\x y\evil.exe" -k"#),
            true,
        );
        check(
            Kind::FileName,
            "evil.exe",
            ("ImagePath", r"C:\x\evil.exe -k"),
            true,
        );
        check(
            Kind::ProcessName,
            "evil.exe",
            ("InitiatingProcessFileName", "evil.exe"),
            true,
        );
        check(
            Kind::Cve,
            "CVE-2021-44228",
            ("alert.metadata.cve", "CVE_2021_44228"),
            true,
        );
        check(
            Kind::FileName,
            "evil.exe",
            ("CommandLine", r"C:\x\evil.exe"),
            false,
        );
        check(
            Kind::FileName,
            "evil.exe",
            ("TargetFilename", r"C:\x\notevil.exe"),
            false,
        );
        check(Kind::ProcessName, "evil", ("winlog.process.name", "evil"), true);
        check(Kind::ProcessName, "evil", ("subprocess.name", "evil"), false);
        check(Kind::Asn, "AS64496", ("source.as.number", "64496"), true);
        check(Kind::Asn, "AS64496", ("asn", "AS64496 Example Net"), true);
        check(
            Kind::Cve,
            "CVE-2022-0001",
            ("alert.signature", "ET EXPLOIT cve-2022-0001 try"),
            true,
        );
        check(
            Kind::Cve,
            "CVE-2022-0001",
            ("alert.signature", "CVE-2022-00012"),
            false,
        );
        check(
            Kind::Mutex,
            "evil",
            ("ObjectName", r"\Sessions\1\BaseNamedObjects\evil"),
            true,
        );
        check(Kind::X509Serial, "a00ff", ("tls.serial", "0A:00:FF"), true);
        check(Kind::Domain, "evil.example", ("anything", "x"), true);
    }
}
