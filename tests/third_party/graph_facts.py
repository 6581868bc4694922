"""Holds the sandbox's Graph against facts of Microsoft's documentation, by plain HTTP: shapes, refusals, notifications."""

import http.server
import json
import queue
import threading
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone


class Graph:
    """A signed-in caller."""

    def __init__(self, addresses):
        self.base, self.addresses = addresses["graph"], addresses
        form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default",
                "client_id": addresses["client_id"], "client_secret": addresses["client_secret"]}
        url = f"{addresses['login']}/{addresses['tenant_id']}/oauth2/v2.0/token"
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=10) as answer:
            token = json.load(answer)
        assert token["token_type"] == "Bearer" and token["expires_in"] > 3000, "the token answer has not its shape"
        self.token = token["access_token"]

    def call(self, method, path, body=None, **headers):
        """Answers status, body and headers. The path may be an absolute link."""
        url = path if path.startswith("http") else self.base + path
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or b"null"), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null"), error.headers

    def done(self, method, path, body=None, **headers):
        status, answer, _ = self.call(method, path, body, **headers)
        assert status < 300, f"{method} {path}: {status} {answer}"
        return answer

    def refused(self, status, code, method, path, body=None, **headers):
        seen, answer, _ = self.call(method, path, body, **headers)
        error = (answer or {}).get("error", {})
        assert (seen, error.get("code")) == (status, code), f"{method} {path}: {seen} {answer}, not {status} {code}"
        assert error["message"] and error["innerError"]["request-id"], f"{method} {path}: an error without its parts"

    def user(self, alias):
        return self.done("POST", "/users", {
            "accountEnabled": True, "displayName": alias, "mailNickname": alias, "mail": f"{alias}@contoso.example",
            "userPrincipalName": f"{alias}@contoso.example", "passwordProfile": {"password": "correct horse"}})["id"]

    def group(self, name, *members):
        group = self.done("POST", "/groups", {
            "displayName": name, "mailEnabled": False, "mailNickname": "g", "securityEnabled": True})["id"]
        for member in members:
            self.join(group, member)
        return group

    def join(self, group, member):
        reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{member}"}
        self.done("POST", f"/groups/{group}/members/$ref", reference)


class Webhook:
    """Answers handshakes, and keeps what it is sent."""

    def __enter__(self):
        received = self.received = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                token = query.get("validationToken", [""])[0]
                if not token:
                    received.put(json.loads(body))
                self.send_response(200 if token else 202)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(token.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/notify?kept=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def next(self):
        return self.received.get(timeout=20)["value"]


def check_a_user_has_the_properties_that_graph_shows_unasked(graph):
    user = graph.done("GET", f"/users/{graph.user('shape')}")
    documented = {"@odata.context", "businessPhones", "displayName", "givenName", "id", "jobTitle", "mail",
                  "mobilePhone", "officeLocation", "preferredLanguage", "surname", "userPrincipalName"}
    assert set(user) == documented, set(user) ^ documented


def check_pages_have_absolute_links_and_miss_nobody(graph):
    members = [graph.user(f"page{n}") for n in range(3)]
    group = graph.group("Pages", *members)
    assignment = f"/servicePrincipals/{graph.addresses['service_principal_id']}/appRoleAssignedTo"
    roles = graph.done("GET", assignment.rsplit("/", 1)[0])["appRoles"]
    for principal in [*members, group]:
        graph.done("POST", assignment, {"principalId": principal, "appRoleId": roles[0]["id"],
                                        "resourceId": graph.addresses["service_principal_id"]})
    seen, next_link = [], f"{assignment}?$top=2"
    while next_link:
        page = graph.done("GET", next_link)
        seen += [row["principalId"] for row in page["value"]]
        next_link = page.get("@odata.nextLink")
        assert next_link is None or next_link.startswith(graph.base + "/"), f"{next_link} is not absolute"
    assert set([*members, group]) <= set(seen) and len(seen) == len(set(seen)), "a page lost or repeated a row"


def check_what_graph_refuses_is_refused_with_its_code(graph):
    ada, group = graph.user("refused"), graph.group("Refused")
    nobody = "00000000-0000-4000-8000-000000000000"
    for status, code, method, path, body in [
        (404, "Request_ResourceNotFound", "GET", f"/users/{nobody}", None),
        (404, "Request_ResourceNotFound", "GET", f"/directory/deletedItems/{ada}", None),
        (400, "Request_UnsupportedQuery", "GET", f"/groups/{group}/members/microsoft.graph.user", None),
        (400, "Request_UnsupportedQuery", "GET", f"/groups/{group}/members?$select=id", None),
        (400, "Request_BadRequest", "GET", f"/users/{ada}?$select=shoeSize", None),
        (400, "Request_BadRequest", "PATCH", f"/users/{ada}", {"id": "x"}),
        (400, "BadRequest", "POST", "/$batch", {"requests": [{"id": str(n), "method": "GET", "url": "/users"}
                                                             for n in range(21)]}),
        (400, "InvalidRequest", "POST", "/subscriptions", {"changeType": "created", "resource": "/users",
                                                          "notificationUrl": "https://x.example",
                                                          "expirationDateTime": in_minutes(60)}),
        (404, "ResourceNotFound", "PATCH", f"/subscriptions/{nobody}", {"expirationDateTime": in_minutes(60)}),
    ]:
        graph.refused(status, code, method, path, body)
    graph.refused(401, "InvalidAuthenticationToken", "GET", "/users", Authorization="Bearer nonsense")


def check_a_batch_answers_by_id_and_fails_what_depends_on_a_failure(graph):
    ada = graph.user("batch")
    answer = graph.done("POST", "/$batch", {"requests": [
        {"id": "a", "method": "GET", "url": f"/users/{ada}"},
        {"id": "b", "method": "GET", "url": "users/nobody@contoso.example"},
        {"id": "c", "method": "GET", "url": f"/users/{ada}", "dependsOn": ["b"]},
    ]})
    statuses = {response["id"]: response["status"] for response in answer["responses"]}
    assert statuses == {"a": 200, "b": 404, "c": 424}, statuses


def check_notifications_have_their_documented_parts(graph):
    with Webhook() as webhook:
        ada = graph.user("notified")
        made = graph.done("POST", "/subscriptions", {
            "changeType": "updated,deleted", "resource": "/groups", "notificationUrl": webhook.url,
            "lifecycleNotificationUrl": webhook.url, "clientState": "secret", "expirationDateTime": in_minutes(60)})
        group = graph.group("Notified", ada)
        items = []
        while not any("members@delta" in item["resourceData"] for item in items):
            items += webhook.next()
        for item in items:
            assert item["subscriptionId"] == made["id"] and item["clientState"] == "secret", item
            assert item["tenantId"] == graph.addresses["tenant_id"] and item["changeType"] == "updated", item
            assert item["resource"] == f"Groups/{item['resourceData']['id']}", item
            assert item["resourceData"]["@odata.type"] == "#Microsoft.Graph.Group", item
        graph.refused(409, "Conflict", "POST", "/subscriptions", {
            "changeType": "updated,deleted", "resource": "groups", "notificationUrl": webhook.url,
            "expirationDateTime": in_minutes(60)})
        graph.done("DELETE", f"/groups/{group}")
        # A security group goes at once; that it is gone may be told after what happened before.
        while not any(item["changeType"] == "deleted" for item in webhook.next()):
            pass
        graph.done("DELETE", f"/subscriptions/{made['id']}")


def in_minutes(minutes):
    return (datetime.now(timezone.utc) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")


def checks(addresses):
    """The checks, independent of one another."""
    graph = Graph(addresses)
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            yield name, lambda check=check: check(graph)
