//! The snapshot stream, read as fast as it comes and forgotten.

use etcd_client::Client;

pub(crate) fn discard(endpoint: &str) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut client = Client::connect([endpoint], None).await?;
        let mut stream = client.snapshot().await?;
        let mut total = 0_u64;
        while let Some(message) = stream.message().await? {
            total += message.blob().len() as u64;
        }
        Ok(format!("{total} bytes"))
    })
}
