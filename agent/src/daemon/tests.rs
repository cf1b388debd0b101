use super::*;
use crate::cli::{Cli, Command, DEFAULT_ENDPOINT};
use clap::Parser;

#[test]
fn an_endpoint_that_is_given_beats_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lapwing.yaml");
    std::fs::write(&file, "endpoint: unix:///elsewhere\n").unwrap();
    let file = file.to_str().unwrap();
    for (given, expected) in [
        (None, "unix:///elsewhere"),
        (Some("unix:///here"), "unix:///here"),
        (Some(DEFAULT_ENDPOINT), DEFAULT_ENDPOINT),
    ] {
        let mut line = vec!["lapwing", "agent", "--config", file];
        if let Some(given) = given {
            line.extend(["--endpoint", given]);
        }
        let cli = Cli::try_parse_from(line).unwrap();
        let Command::Agent(args) = &cli.command else {
            panic!("not the agent")
        };
        let config = configure(args, cli.endpoint.as_deref()).unwrap();
        assert_eq!(config.endpoint, expected);
    }
}

#[test]
fn a_write_that_nobody_reads_does_not_keep_the_agent() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let (said, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let outcome = drive(async move {
            let (begins, has_begun) = oneshot::channel();
            tokio::task::spawn_blocking(move || {
                let _ = begins.send(());
                // More than a pipe holds.
                std::io::Write::write_all(&mut writer, &vec![0; 4 << 20])
            });
            has_begun.await.unwrap();
            Ok(())
        });
        said.send(outcome.is_ok()).unwrap();
    });
    assert_eq!(ended.recv_timeout(Duration::from_secs(30)), Ok(true));
    drop(reader);
}

#[test]
fn the_pipeline_s_failure_is_what_is_told() {
    let told = |pipeline, served| ending(pipeline, served).unwrap_err().to_string();
    assert_eq!(told(Err(anyhow!("rings")), Ok(())), "rings");
    assert_eq!(told(Err(anyhow!("rings")), Err(anyhow!("API"))), "rings");
    assert_eq!(told(Ok(()), Err(anyhow!("API"))), "API");
    assert!(ending(Ok(()), Ok(())).is_ok());
}
