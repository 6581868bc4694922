//! Function URL events with notifications about users, as Graph sends and Lambda wraps them.

use serde_json::{Value, json};

/// Whose notifications these are.
pub const TENANT: &str = "8eb3fdd4-3f1f-4c4f-9c9b-2d7a5d1c0e11";

/// A POST that says that these users changed.
pub fn post(client_state: &str, users: &[String]) -> Value {
    let notification = |user: &String| {
        json!({
            "changeType": "updated",
            "clientState": client_state,
            "resource": format!("Users/{user}"),
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.User",
                "@odata.id": format!("Users/{user}"),
                "id": user,
                "organizationId": TENANT,
                "sequenceNumber": 636_784_480_202_455_800_u64,
            },
            "subscriptionExpirationDateTime": "2026-12-20T18:23:45.9356913Z",
            "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
            "tenantId": TENANT,
        })
    };
    let collection = json!({"value": users.iter().map(notification).collect::<Vec<_>>()});
    request("", &collection.to_string())
}

/// A POST as a Function URL event (Lambda developer guide, "Request payload format").
pub fn request(query: &str, body: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/notify",
        "rawQueryString": query,
        "headers": {"content-type": "application/json; charset=utf-8"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "function-url",
            "domainName": "function-url.lambda-url.us-east-1.on.aws",
            "domainPrefix": "function-url",
            "http": {"method": "POST", "path": "/notify", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                     "userAgent": "figures"},
            "requestId": "00000000-0000-4000-8000-000000000000",
            "routeKey": "$default",
            "stage": "$default",
            "time": "24/Nov/2026:08:00:00 +0000",
            "timeEpoch": 1_795_507_200_000_i64,
        },
        "body": body,
        "isBase64Encoded": false,
    })
}
