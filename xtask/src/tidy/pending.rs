//! Snapshots that nobody has accepted or thrown away.

use std::path::PathBuf;

use super::Complaint;

/// A complaint for each file that `insta` left for review.
pub(super) fn check(files: &[PathBuf]) -> Vec<Complaint> {
    files
        .iter()
        .filter(|file| {
            let name = file.to_string_lossy();
            name.ends_with(".snap.new") || name.ends_with(".pending-snap")
        })
        .map(|file| Complaint::new(file, None, "a pending snapshot: accept it or delete it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pending_ones() {
        let files = ["a/x.snap", "a/x.snap.new", "a/.lib.rs.pending-snap"].map(PathBuf::from);
        let found: Vec<_> = check(&files)
            .into_iter()
            .map(|complaint| complaint.file)
            .collect();
        assert_eq!(found, files[1..]);
    }
}
