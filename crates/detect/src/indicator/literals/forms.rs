//! In which forms a value is written: registry hives and folders have several names, and a drive is a volume.

use perisai_model::Kind;
use perisai_values::hive_short_name;

/// What must stand before a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Anything.
    Anything,
    /// The key of a user (`S-1-5-21-…`, perhaps `…_Classes`): what the system calls `HKEY_CURRENT_USER`.
    UserKey,
    /// A drive by another name: a volume of the kernel, the share of an administrator, the system's drive.
    Drive(u8),
    /// The folder of Windows by another name.
    Windows,
    /// The folder of any user.
    UserFolder,
}

/// The forms of a value.
pub(super) fn of(kind: Kind, value: &str) -> Vec<(String, Before)> {
    let mut forms = vec![anywhere(value)];
    match kind {
        Kind::RegistryKey => registry_key(value, &mut forms),
        Kind::FilePath => file_path(value, &mut forms),
        Kind::Asn => forms.extend(value.strip_prefix("AS").map(anywhere)),
        // As tags of rules are written.
        Kind::Cve => forms.push(anywhere(&value.replace('-', "_"))),
        Kind::X509Serial => {
            let even = format!("{}{value}", if value.len().is_multiple_of(2) { "" } else { "0" });
            // Before a high first digit a zero says that the number is positive.
            forms.push((format!("00{even}"), Before::Anything));
            if even != value {
                forms.push((even, Before::Anything));
            }
        }
        _ => {}
    }
    // IIS writes the blanks of user agents as `+`, Squid as `%20`.
    for blank in ["+", "%20"] {
        let blanks = forms.iter().filter(|(form, _)| form.contains(' '));
        let blanks: Vec<_> = blanks
            .map(|(form, before)| (form.replace(' ', blank), *before))
            .collect();
        forms.extend(blanks);
    }
    if matches!(kind, Kind::FilePath | Kind::FileName | Kind::RegistryKey) {
        in_other_cases(&mut forms);
    }
    forms
}

/// Windows folds letters beyond ASCII too: names are written all in small letters, or all in capitals.
fn in_other_cases(forms: &mut Vec<(String, Before)>) {
    for (form, before) in forms.clone() {
        if form.is_ascii() {
            continue;
        }
        let folded = |fold: fn(char) -> String| -> String {
            let letters = form.chars();
            letters
                .map(|letter| {
                    if letter.is_ascii() {
                        letter.to_string()
                    } else {
                        fold(letter)
                    }
                })
                .collect()
        };
        for other in [
            folded(|letter| letter.to_lowercase().to_string()),
            folded(|letter| letter.to_uppercase().to_string()),
        ] {
            if other != form {
                forms.push((other, before));
            }
        }
    }
}

fn anywhere(form: &str) -> (String, Before) {
    (form.to_owned(), Before::Anything)
}

fn registry_key(value: &str, forms: &mut Vec<(String, Before)>) {
    let Some((hive, key)) = value.split_once('\\') else {
        return;
    };
    for key in [Some(key.to_owned()), of_32_bits(key)].into_iter().flatten() {
        let mut add = |name: &str| forms.push(anywhere(&format!("{name}\\{key}")));
        add(hive);
        if let Some(short) = hive_short_name(hive) {
            add(short);
            // PowerShell has drives for hives.
            add(&format!("{short}:"));
        }
        match hive {
            "HKEY_LOCAL_MACHINE" => add("\\REGISTRY\\MACHINE"),
            "HKEY_USERS" => add("\\REGISTRY\\USER"),
            "HKEY_CURRENT_USER" => forms.push((format!("\\{key}"), Before::UserKey)),
            _ => {}
        }
    }
    forms.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    forms.dedup();
}

/// Where 32-bit programs find a key of `Software`.
fn of_32_bits(key: &str) -> Option<String> {
    const NODE: &str = "WOW6432Node\\";
    let (software, rest) = key.split_once('\\')?;
    let is_one = rest
        .get(..NODE.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(NODE));
    (software.eq_ignore_ascii_case("software") && !is_one).then(|| format!("{software}\\{NODE}{rest}"))
}

/// What variables of the environment mean, behind the drive.
const FOLDERS: &[(&str, &str)] = &[
    ("APPDATA", "\\AppData\\Roaming"),
    ("LOCALAPPDATA", "\\AppData\\Local"),
    ("TEMP", "\\AppData\\Local\\Temp"),
    ("TMP", "\\AppData\\Local\\Temp"),
    ("TEMP", "\\Windows\\Temp"),
    ("TMP", "\\Windows\\Temp"),
    ("PUBLIC", "\\Users\\Public"),
    ("PROGRAMDATA", "\\ProgramData"),
    ("ALLUSERSPROFILE", "\\ProgramData"),
    ("PROGRAMFILES", "\\Program Files"),
    ("PROGRAMFILES(X86)", "\\Program Files (x86)"),
    ("COMMONPROGRAMFILES", "\\Program Files\\Common Files"),
    ("WINDIR", "\\Windows"),
    ("SYSTEMROOT", "\\Windows"),
];

fn file_path(value: &str, forms: &mut Vec<(String, Before)>) {
    let Some((first, rest)) = value.split_once('\\') else {
        return;
    };
    if let Some(variable) = first.strip_prefix('%').and_then(|name| name.strip_suffix('%')) {
        let is = |name: &str| variable.eq_ignore_ascii_case(name);
        let folders = FOLDERS.iter().filter(|(name, _)| is(name));
        forms.extend(folders.map(|(_, folder)| anywhere(&format!("{folder}\\{rest}"))));
        if is("USERPROFILE") {
            forms.push((format!("\\{rest}"), Before::UserFolder));
        }
        return;
    }
    let [drive, b':'] = *first.as_bytes() else {
        return;
    };
    forms.push((format!("\\{rest}"), Before::Drive(drive.to_ascii_lowercase())));
    let mut parts = rest.splitn(3, '\\');
    let (folder, next, behind) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    if folder.eq_ignore_ascii_case("windows") {
        let inside = rest[folder.len()..].to_owned();
        forms.extend((!inside.is_empty()).then_some((inside, Before::Windows)));
    }
    let any_user =
        next.is_some_and(|name| matches!(name, "*" | "<user>") || name.eq_ignore_ascii_case("%username%"));
    if folder.eq_ignore_ascii_case("users") && any_user {
        forms.extend(behind.map(|behind| (format!("\\{behind}"), Before::UserFolder)));
    }
}

/// So much before a form is looked at.
const LONGEST: usize = 200;

impl Before {
    /// Whether it ends these bytes.
    pub(super) fn stands(self, bytes: &[u8]) -> bool {
        let bytes = &bytes[bytes.len().saturating_sub(LONGEST)..];
        let ends = |text: &str| {
            let tail = bytes.len().checked_sub(text.len()).map(|at| &bytes[at..]);
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(text.as_bytes()))
        };
        match self {
            Self::Anything => true,
            Self::UserKey => ends_with_user_key(bytes),
            Self::Drive(drive) => {
                let share =
                    ends("$") && bytes.len() > 1 && bytes[bytes.len() - 2].eq_ignore_ascii_case(&drive);
                share || ends("%OSDRIVE%") || ends("%SystemDrive%") || ends_with_volume(bytes)
            }
            Self::Windows => ends("%SystemRoot%") || ends("%windir%") || ends("\\SystemRoot"),
            Self::UserFolder => ends_with_user_folder(bytes),
        }
    }
}

fn ends_with_user_key(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_suffix(b"_Classes").unwrap_or(bytes);
    let numbers = bytes
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'-')
        .count();
    numbers > 3 && bytes[..bytes.len() - numbers].ends_with(b"S")
}

/// `\Device\HarddiskVolume3`, `\\?\Volume{…}`.
fn ends_with_volume(bytes: &[u8]) -> bool {
    let before = match bytes.strip_suffix(b"}") {
        Some(guid) => {
            let digits = guid
                .iter()
                .rev()
                .take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'-');
            let length = digits.count();
            guid[..guid.len() - length].strip_suffix(b"{").unwrap_or_default()
        }
        None => {
            let digits = bytes
                .iter()
                .rev()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if digits == 0 {
                return false;
            }
            &bytes[..bytes.len() - digits]
        }
    };
    let start = before.len().saturating_sub("Volume".len());
    before[start..].eq_ignore_ascii_case(b"Volume")
}

/// `C:\Users\name`, where what stands before the name is a folder of users.
fn ends_with_user_folder(bytes: &[u8]) -> bool {
    let is_separator = |byte: &u8| matches!(byte, b'\\' | b'/');
    let Some(at) = bytes.iter().rposition(is_separator) else {
        return false;
    };
    let name = &bytes[at + 1..];
    let separators = bytes[..=at]
        .iter()
        .rev()
        .take_while(|byte| is_separator(byte))
        .count();
    let before = &bytes[..at + 1 - separators];
    let is = |folder: &str| {
        let start = before.len().checked_sub(folder.len());
        start.is_some_and(|start| before[start..].eq_ignore_ascii_case(folder.as_bytes()))
    };
    !name.is_empty() && (is("Users") || is("Documents and Settings"))
}
