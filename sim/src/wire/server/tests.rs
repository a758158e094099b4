//! Real sockets on loopback.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::*;
use crate::wire::test_cloud;

async fn server() -> (CloudServer, SharedEstate, Applications) {
    let estate = SharedEstate::new(test_cloud::estate());
    let applications = Applications::standard(1);
    let authority = Authority::new(&["dc01.corp.contoso.lab"]).unwrap();
    let options =
        CloudOptions { http_port: Some(0), proxy_port: Some(0), ..CloudOptions::default() };
    let server = CloudServer::start(estate.clone(), applications.clone(), &authority, options)
        .await
        .unwrap();
    (server, estate, applications)
}

fn client(server: &CloudServer) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(server.ca_pem().as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap()
}

/// A strict client trusts the certificate by name and by address, and gets through to the estate;
/// a client that never finishes its handshake holds up nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_and_plain_http_lead_to_the_same_estate() {
    let (server, estate, applications) = server().await;
    let stalled = TcpStream::connect(server.address()).await.unwrap();
    let client = client(&server);
    let reader = applications.named("reader").unwrap();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=https://graph.microsoft.com/.default",
        reader.client_id, reader.secret
    );
    let token_url = format!("{}/contoso.lab/oauth2/v2.0/token", server.url());
    let token: Value =
        client.post(token_url).body(form).send().await.unwrap().json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let port = server.address().port();
    let plain = server.http_address().unwrap();
    for base in [server.url(), format!("https://127.0.0.1:{port}"), format!("http://{plain}")] {
        let url = format!("{base}/v1.0/users?$top=1&$select=id");
        let answer = client.get(url).bearer_auth(token).send().await.unwrap();
        let dates: Vec<_> = answer.headers().get_all("date").iter().collect();
        assert_eq!(dates, ["Tue, 01 Sep 2026 08:00:00 GMT"], "only the estate's clock");
        let body: Value = answer.json().await.unwrap();
        assert!(body["@odata.nextLink"].as_str().unwrap().starts_with(&base));
        let first = estate.with(|estate| estate.entra.users()[0].id.to_string());
        assert_eq!(body["value"], json!([{"id": first}]));
    }
    drop(stalled);
    server.shutdown().await;
}

/// After the end nothing answers, and open connections are closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_closes_connections() {
    let (server, _, _) = server().await;
    let address = server.http_address().unwrap();
    let mut open = TcpStream::connect(address).await.unwrap();
    // An idle connection is taken up by the loop before the end is asked for.
    let client = client(&server);
    let url = format!("http://{address}/common/v2.0/.well-known/openid-configuration");
    assert!(client.get(&url).send().await.unwrap().status().is_success());
    server.shutdown().await;
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), open.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the server closed it");
    assert!(client.get(&url).send().await.is_err());
}

/// A client with fixed host names gets through by the proxy alone, sees links that lead back to those
/// names, and reaches nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_leads_fixed_names_to_the_estate() {
    let (server, _, applications) = server().await;
    let ca = reqwest::Certificate::from_pem(server.ca_pem().as_bytes()).unwrap();
    let proxy = format!("http://{}", server.proxy_address().unwrap());
    let client = reqwest::Client::builder()
        .tls_certs_only([ca])
        .proxy(reqwest::Proxy::all(proxy).unwrap())
        .build()
        .unwrap();
    let reader = applications.named("reader").unwrap();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=https://graph.microsoft.com/.default",
        reader.client_id, reader.secret
    );
    let url = "https://login.microsoftonline.com/contoso.lab/oauth2/v2.0/token";
    let token: Value = client.post(url).body(form).send().await.unwrap().json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let url = "https://graph.microsoft.com/v1.0/users?$top=1";
    let page: Value =
        client.get(url).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    let next = page["@odata.nextLink"].as_str().unwrap();
    assert!(next.starts_with("https://graph.microsoft.com/v1.0/users?"), "{next}");
    assert!(client.get("https://example.com/").send().await.is_err(), "leads nowhere else");
    server.shutdown().await;
}
