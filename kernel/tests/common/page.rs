//! A page of JupyterLab's, as far as the front knows it: it opens a comm and says something on it.

use labs::client::Kernel;
use serde_json::{Value, json};

pub(crate) async fn open(kernel: &mut Kernel, comm: &str) {
    let content = json!({"comm_id": comm, "target_name": "labs.page", "data": {}});
    kernel.request("comm_open", content).await.unwrap();
}

pub(crate) async fn say(kernel: &mut Kernel, comm: &str, data: Value) {
    let content = json!({"comm_id": comm, "data": data});
    kernel.request("comm_msg", content).await.unwrap();
}
