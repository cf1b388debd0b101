use anyhow::Result;
pub fn run(_: crate::Tools) -> Result<bool> {
    Ok(true)
}
