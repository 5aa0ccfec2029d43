//! Fields that rules ask for and no log holds as such: put together from others.

use crate::sigma::field::{FieldId, Fields};
use crate::sigma::logsource::table::SECURITY;
use crate::sigma::scratch::View;

#[derive(Debug)]
pub(super) struct Derive {
    user: FieldId,
    subject_user: FieldId,
    subject_domain: FieldId,
    image: FieldId,
    application: FieldId,
    initiated: FieldId,
    direction: FieldId,
    target_object: FieldId,
    object_name: FieldId,
    value_name: FieldId,
    event_type: FieldId,
    operation: FieldId,
    command_line: FieldId,
    arguments: Vec<FieldId>,
    stem: FieldId,
    query: FieldId,
    uri: FieldId,
    raw_uri: [FieldId; 4],
    extension: FieldId,
    uri_query: FieldId,
    host: FieldId,
}

/// How many arguments of a program are put together.
const MAX_ARGUMENTS: usize = 64;

impl Derive {
    pub(super) fn new(fields: &mut Fields) -> Self {
        let mut field = |name: &str| fields.intern(name);
        Self {
            user: field("User"),
            subject_user: field("SubjectUserName"),
            subject_domain: field("SubjectDomainName"),
            image: field("Image"),
            application: field("Application"),
            initiated: field("Initiated"),
            direction: field("Direction"),
            target_object: field("TargetObject"),
            object_name: field("ObjectName"),
            value_name: field("ObjectValueName"),
            event_type: field("EventType"),
            operation: field("OperationType"),
            command_line: field("CommandLine"),
            arguments: (0..MAX_ARGUMENTS).map(|at| field(&format!("a{at}"))).collect(),
            stem: field("cs-uri-stem"),
            query: field("cs-uri-query"),
            uri: field("c-uri"),
            raw_uri: ["uri", "http.url", "cs-uri", "url.original"].map(&mut field),
            extension: field("c-uri-extension"),
            uri_query: field("c-uri-query"),
            host: field("cs-host"),
        }
    }

    /// What Sysmon says in one field and the Security log in several.
    pub(super) fn windows(&self, view: &mut View, channel: &str, id: Option<i64>) {
        let Some(id @ (4688 | 4689 | 4657 | 5156)) = id else {
            return;
        };
        if channel != SECURITY {
            return;
        }
        if let (Some(domain), Some(user)) = (view.text(self.subject_domain), view.text(self.subject_user)) {
            let user = format!("{domain}\\{user}");
            view.derive(self.user, false, &user);
        }
        match id {
            4657 => self.registry(view),
            5156 => self.connection(view),
            _ => {}
        }
    }

    fn registry(&self, view: &mut View) {
        if let Some(object) = view.text(self.object_name) {
            let mut key = hive(object);
            if let Some(value) = view.text(self.value_name) {
                key.push('\\');
                key.push_str(value);
            }
            view.derive(self.target_object, false, &key);
        }
        let what = match view.text(self.operation) {
            Some("%%1906") => "DeleteValue",
            _ => "SetValue",
        };
        view.derive(self.event_type, false, what);
    }

    fn connection(&self, view: &mut View) {
        if let Some(image) = view.text(self.application).map(drive) {
            view.derive(self.image, false, &image);
        }
        let initiated = match view.text(self.direction) {
            Some("%%14593") => "true",
            Some("%%14592") => "false",
            _ => return,
        };
        view.derive(self.initiated, false, initiated);
    }

    /// The command line of an `EXECVE` record.
    pub(super) fn execve(&self, view: &mut View) {
        let mut line = String::new();
        for &argument in &self.arguments {
            let Some(text) = view.text(argument) else { break };
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(text);
        }
        if !line.is_empty() && !view.has(self.image) {
            view.derive(self.command_line, false, &line);
        }
        if let Some(program) = view.text(self.arguments[0]).filter(|path| path.starts_with('/')) {
            let program = program.to_owned();
            view.derive(self.image, false, &program);
        }
    }

    /// The parts of a request, whichever of them the log has. Many rules look for a path in `cs-uri-query`, so the
    /// whole request stands there beside the query.
    pub(super) fn requests(&self, view: &mut View) {
        let whole = self
            .raw_uri
            .iter()
            .chain([&self.uri])
            .find_map(|&id| view.text(id))
            .map(str::to_owned);
        let whole = match (whole, view.text(self.stem)) {
            (Some(whole), _) => whole,
            (None, Some(stem)) => match view.text(self.query).filter(|query| !matches!(*query, "" | "-")) {
                Some(query) => format!("{stem}?{query}"),
                None => stem.to_owned(),
            },
            (None, None) => return,
        };
        let (stem, query) = whole.split_once('?').unwrap_or((&whole, ""));
        let full = match view.text(self.host) {
            Some(host) if whole.starts_with('/') => format!("http://{host}{whole}"),
            _ => whole.clone(),
        };
        let file = stem.rsplit('/').next().unwrap_or_default();
        let extension = file.rsplit_once('.').map(|(_, extension)| extension.to_owned());
        view.derive(self.stem, false, stem);
        if !view
            .values(self.query)
            .any(|value| value.text == Some(whole.as_str()))
        {
            view.derive(self.query, true, &whole);
        }
        view.derive(self.uri, false, &full);
        if !query.is_empty() {
            view.derive(self.uri_query, false, query);
        }
        if let Some(extension) = extension {
            view.derive(self.extension, false, &extension);
        }
    }
}

/// A kernel's name of a registry key as Sysmon writes it.
fn hive(object: &str) -> String {
    for (kernel, short) in [("\\REGISTRY\\MACHINE", "HKLM"), ("\\REGISTRY\\USER", "HKU")] {
        if let Some(rest) = object
            .get(..kernel.len())
            .filter(|start| start.eq_ignore_ascii_case(kernel))
        {
            return format!("{short}{}", &object[rest.len()..]);
        }
    }
    object.to_owned()
}

/// A device path as rules write paths. Which letter the volume has is not in the log; `C:` is the best guess.
fn drive(path: &str) -> String {
    const DEVICE: &str = "\\device\\harddiskvolume";
    let Some(start) = path
        .get(..DEVICE.len())
        .filter(|start| start.eq_ignore_ascii_case(DEVICE))
    else {
        return path.to_owned();
    };
    let rest = path[start.len()..].trim_start_matches(|letter: char| letter.is_ascii_digit());
    format!("C:{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_names_read_as_sysmons() {
        assert_eq!(hive(r"\REGISTRY\MACHINE\SOFTWARE\X"), r"HKLM\SOFTWARE\X");
        assert_eq!(hive(r"\registry\user\S-1-5"), r"HKU\S-1-5");
        assert_eq!(hive("é"), "é");
        assert_eq!(
            drive(r"\device\harddiskvolume2\windows\x.exe"),
            r"C:\windows\x.exe"
        );
        assert_eq!(drive("System"), "System");
    }
}
