//! Leaving nothing behind.

use futures::{StreamExt as _, stream};

use super::ground::Ground;
use crate::{DeleteOptions, ListOptions, ObjectKey, ObjectStore as _, Result, VersionId};

/// How many are removed at a time.
const AT_ONCE: usize = 8;

/// A probe writes far fewer objects than so many pages hold.
const MOST_PAGES: usize = 1000;

impl Ground {
    /// Removes everything; what could not be removed, in words.
    pub(super) async fn clean_up(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let removed = stream::iter(self.made())
            .map(async |key| self.store.delete(&key, DeleteOptions::new()).await.map(drop))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        self.note_failures(&mut notes, "objects", removed);
        if self.store.capabilities().features().versions {
            match self.versions().await {
                Ok(versions) => {
                    let removed = stream::iter(versions)
                        .map(async |(key, version)| {
                            let options = DeleteOptions::new().with_version(version);
                            self.store.delete(&key, options).await.map(drop)
                        })
                        .buffer_unordered(AT_ONCE)
                        .collect::<Vec<_>>()
                        .await;
                    self.note_failures(&mut notes, "old versions", removed);
                }
                Err(error) => notes.push(format!("old versions below {} may be left: {error}", self.home)),
            }
        }
        if let Err(error) = self.give_up_uploads().await {
            notes.push(format!("unfinished uploads below {} may be left: {error}", self.home));
        }
        notes
    }

    fn note_failures(&self, notes: &mut Vec<String>, what: &str, results: Vec<Result<()>>) {
        let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
        if let Some(first) = failed.first() {
            notes.push(format!("{} {what} below {} could not be removed: {first}", failed.len(), self.home));
        }
    }

    async fn versions(&self) -> Result<Vec<(ObjectKey, VersionId)>> {
        let mut options = ListOptions::new().with_versions(true);
        let mut all = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.store.list_page(&self.home, options.clone()).await?;
            all.extend(page.objects.into_iter().filter_map(|meta| Some((meta.key, meta.version?))));
            match page.next {
                Some(next) if options.after.as_ref() != Some(&next) => options.after = Some(next),
                _ => break,
            }
        }
        Ok(all)
    }

    async fn give_up_uploads(&self) -> Result<()> {
        self.store.close().await?;
        let mut after = None;
        for _ in 0..MOST_PAGES {
            let page = match self.store.uploads_page(&self.home, after.clone()).await {
                Err(error) if error.kind() == crate::ErrorKind::Unsupported => break, // the drops did what they could
                other => other?,
            };
            for upload in &page.uploads {
                self.store.abort_upload(&upload.key, &upload.id).await?;
            }
            match page.next {
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                _ => break,
            }
        }
        Ok(())
    }
}
