//! What stands in for the parts of AWS that give credentials: the instance's metadata service and STS. The
//! credentials that they give are those of the real S3 server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post, put};
use axum::{Form, Router};
use jiff::Timestamp;

const TOKEN: &str = "a-session-of-imdsv2";

/// An access key with its secret.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// The instance metadata service, version 2: without a token it refuses. Its keys are short-lived, and may be changed.
pub(crate) struct Imds {
    pub(crate) url: String,
    keys: Arc<Mutex<Keys>>,
}

impl Imds {
    pub(crate) async fn start(keys: Keys) -> Self {
        let keys = Arc::new(Mutex::new(keys));
        let router = Router::new()
            .route("/latest/api/token", put(session_token))
            .route("/latest/meta-data/{*path}", get(metadata))
            .with_state(Arc::clone(&keys));
        let url = serve(router).await;
        Self { url, keys }
    }

    /// Gives these keys from now on.
    pub(crate) fn rotate(&self, keys: Keys) {
        *self.keys.lock().unwrap() = keys;
    }
}

async fn session_token() -> ([(&'static str, &'static str); 1], &'static str) {
    ([("x-aws-ec2-metadata-token-ttl-seconds", "21600")], TOKEN)
}

async fn metadata(
    State(keys): State<Arc<Mutex<Keys>>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    if headers
        .get("x-aws-ec2-metadata-token")
        .is_none_or(|token| token != TOKEN)
    {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    match path.as_str() {
        "iam/security-credentials/" => (StatusCode::OK, "writer".to_owned()),
        "iam/security-credentials/writer" => {
            let Keys { id, secret } = keys.lock().unwrap().clone();
            // the SDK asks again 10 s before
            let expiration = Timestamp::now() + Duration::from_secs(12);
            let credentials = serde_json::json!({
                "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": Timestamp::now().to_string(),
                "AccessKeyId": id, "SecretAccessKey": secret, "Token": "", "Expiration": expiration.to_string(),
            });
            (StatusCode::OK, credentials.to_string())
        }
        _ => (StatusCode::NOT_FOUND, String::new()),
    }
}

/// The token service. Gives its keys for any role, and notes what it was asked.
pub(crate) struct Sts {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<HashMap<String, String>>>>,
}

type StsState = (Keys, Arc<Mutex<Vec<HashMap<String, String>>>>);

impl Sts {
    pub(crate) async fn start(keys: Keys) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let router = Router::new().route("/", post(assume_role));
        let url = serve(router.with_state((keys, Arc::clone(&asked)))).await;
        Self { url, asked }
    }

    /// The parameters of each request.
    pub(crate) fn asked(&self) -> Vec<HashMap<String, String>> {
        self.asked.lock().unwrap().clone()
    }
}

async fn assume_role(
    State((keys, asked)): State<StsState>,
    Form(parameters): Form<HashMap<String, String>>,
) -> ([(&'static str, &'static str); 1], String) {
    let action = parameters["Action"].clone();
    asked.lock().unwrap().push(parameters);
    let Keys { id, secret } = keys;
    let expiration = Timestamp::now() + Duration::from_hours(1);
    let reply = format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <AssumedRoleUser><AssumedRoleId>AROA:a</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/writer/a</Arn>\
         </AssumedRoleUser><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
         <SessionToken></SessionToken><Expiration>{expiration}</Expiration></Credentials>\
         </{action}Result></{action}Response>"
    );
    ([("content-type", "text/xml")], reply)
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
