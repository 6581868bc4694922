"""Holds the sandbox's identity store against botocore's model of the real one, by boto3 and by raw calls.

Every answer is checked against the model's output shapes; every constraint of the model's input shapes is broken
once, and must be refused. Nothing here knows the sandbox's code.
"""

import copy
import json
import re
import urllib.error
import urllib.request

import boto3
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

# The three that configure the store's network are not offered.
LEFT_OUT = {"DescribeIdentityStore", "ListIdentityStores", "UpdateIdentityStore"}
KEYS = ("sandbox", "sandbox")
# How a JSON value of the wrong type is refused is not in the model: its parser may be the first to do so.
WRONG_TYPE = {"ValidationException", "SerializationException"}
BAD_CHARACTER = "\u200b"  # a format character: in none of the classes that the model's patterns name


class Store:
    """A caller of the sandbox's identity store."""

    def __init__(self, addresses):
        self.url, self.region = addresses["aws"], addresses["region"]
        self.id = addresses["identity_store_id"]
        session = botocore.session.get_session()
        self.model = session.get_service_model("identitystore")
        self.credentials = Credentials(*KEYS)
        self.client = boto3.client(
            "identitystore", endpoint_url=self.url, region_name=self.region,
            aws_access_key_id=KEYS[0], aws_secret_access_key=KEYS[1],
            config=Config(retries={"max_attempts": 0}),
        )

    def operations(self):
        return [name for name in self.model.operation_names if name not in LEFT_OUT]

    def raw(self, operation, body):
        """Sends a body as it is; answers the status and what came back."""
        request = AWSRequest("POST", self.url, data=json.dumps(body).encode(), headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"{self.model.metadata['targetPrefix']}.{operation}",
        })
        SigV4Auth(self.credentials, "identitystore", self.region).add_auth(request)
        call = urllib.request.Request(self.url, request.data, dict(request.headers), method="POST")
        try:
            with urllib.request.urlopen(call, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def done(self, operation, body):
        """Sends a good body and checks the answer against the output shape."""
        status, answer = self.raw(operation, {"IdentityStoreId": self.id, **body})
        assert status == 200, f"{operation} {body}: {status} {answer}"
        wrong = list(faults(self.model.operation_model(operation).output_shape, answer, operation))
        assert not wrong, f"the answer of {operation} is not of its shape: {wrong}"
        return answer


def faults(shape, value, path):
    """Where a value is not of its shape."""
    if shape.type_name == "structure":
        yield from structure_faults(shape, value, path)
    elif shape.type_name == "list":
        yield from length_faults(shape, value, list, path)
        for item in value if isinstance(value, list) else []:
            yield from faults(shape.member, item, f"{path}[]")
    elif shape.type_name == "map":
        yield from length_faults(shape, value, dict, path)
        for key, item in value.items() if isinstance(value, dict) else []:
            yield from faults(shape.key, key, f"{path} key")
            yield from faults(shape.value, item, f"{path}.{key}")
    elif shape.type_name == "string":
        yield from string_faults(shape, value, path)
    else:
        kinds = {"boolean": bool, "integer": int, "timestamp": (int, float)}
        if not isinstance(value, kinds[shape.type_name]):
            yield f"{path}: {type(value).__name__} is no {shape.type_name}"


def structure_faults(shape, value, path):
    if getattr(shape, "is_document_type", False):
        return
    if not isinstance(value, dict):
        yield f"{path}: no structure"
        return
    for name in set(shape.required_members) - set(value):
        yield f"{path}.{name}: missing"
    for name in set(value) - set(shape.members):
        yield f"{path}.{name}: unknown"
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield f"{path}: a union of {len(value)} members"
    for name in set(value) & set(shape.members):
        yield from faults(shape.members[name], value[name], f"{path}.{name}")


def length_faults(shape, value, kind, path):
    if not isinstance(value, kind):
        yield f"{path}: no {kind.__name__}"
    elif not shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", 10**9):
        yield f"{path}: length {len(value)}"


def string_faults(shape, value, path):
    yield from length_faults(shape, value, str, path)
    pattern, values = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if isinstance(value, str) and pattern and not re.fullmatch(python_pattern(pattern), value):
        yield f"{path}: pattern"
    if values and value not in values:
        yield f"{path}: none of {values}"


def python_pattern(pattern):
    """Python's `re` has no Unicode classes: these are close enough for what the sandbox answers here."""
    inside = pattern.replace(r"\p{L}\p{M}\p{S}\p{N}\p{P}", r"!-~\u00a1-\uffff")
    return inside.replace(r"\p{L}", r"[^\W\d_]")


def good_world(store):
    """Makes what the calls below are about; answers a good body for every operation."""
    user = store.done("CreateUser", user_body("ada"))["UserId"]
    group = store.done("CreateGroup", {"DisplayName": "Engineers", "Description": "Who build"})["GroupId"]
    second = store.done("CreateGroup", {"DisplayName": "Auditors"})["GroupId"]
    member = {"UserId": user}
    membership = store.done("CreateGroupMembership", {"GroupId": group, "MemberId": member})["MembershipId"]
    unique = lambda path, value: {"UniqueAttribute": {"AttributePath": path, "AttributeValue": value}}
    update = [{"AttributePath": "title", "AttributeValue": "Countess"}]
    return {
        "CreateUser": user_body("alan"),
        "CreateGroup": {"DisplayName": "Operators", "Description": "Who run"},
        "CreateGroupMembership": {"GroupId": second, "MemberId": member},
        "DescribeUser": {"UserId": user, "Extensions": ["aws:identitystore:enterprise"]},
        "DescribeGroup": {"GroupId": group},
        "DescribeGroupMembership": {"MembershipId": membership},
        "GetUserId": {"AlternateIdentifier": unique("userName", "ada")},
        "GetGroupId": {"AlternateIdentifier": unique("displayName", "Engineers")},
        "GetGroupMembershipId": {"GroupId": group, "MemberId": member},
        "IsMemberInGroups": {"MemberId": member, "GroupIds": [group, second]},
        "ListUsers": {"MaxResults": 1, "Extensions": ["aws:identitystore:enterprise"],
                      "Filters": [{"AttributePath": "UserName", "AttributeValue": "ada"}]},
        "ListGroups": {"MaxResults": 1, "Filters": [{"AttributePath": "DisplayName", "AttributeValue": "Engineers"}]},
        "ListGroupMemberships": {"GroupId": group, "MaxResults": 1},
        "ListGroupMembershipsForMember": {"MemberId": member, "MaxResults": 1},
        "UpdateUser": {"UserId": user, "Operations": update},
        "UpdateGroup": {"GroupId": group, "Operations": [{"AttributePath": "description"}]},
        # Revisions are those after the updates above.
        "DeleteGroupMembership": {"MembershipId": membership},
        "DeleteUser": {"UserId": user, "Revision": "2"},
        "DeleteGroup": {"GroupId": group, "Revision": "2"},
    }


def user_body(name):
    work = {"Type": "work", "Primary": True}
    return {
        "UserName": name, "DisplayName": f"{name} Ü 漢", "NickName": name, "ProfileUrl": "https://example.com",
        "Name": {"GivenName": name, "FamilyName": "King", "Formatted": name, "MiddleName": "B",
                 "HonorificPrefix": "Dr", "HonorificSuffix": "III"},
        "Emails": [{"Value": f"{name}@example.com", **work}], "PhoneNumbers": [{"Value": "+44 1", **work}],
        "Addresses": [{"StreetAddress": "1 Road", "Locality": "London", "Region": "L", "PostalCode": "1",
                       "Country": "GB", "Formatted": "1 Road", **work}],
        "Roles": [{"Value": "engineer", **work}], "Photos": [{"Value": "https://example.com/p", "Display": "p", **work}],
        "UserType": "staff", "Title": "Dr", "PreferredLanguage": "en", "Locale": "en-GB", "Timezone": "Europe/London",
        "Website": "https://example.com", "Birthdate": "1815-12-10",
        "Extensions": {"aws:identitystore:enterprise": {"department": "Mathematics", "employeeNumber": "1"}},
    }


def broken_bodies(shape, body):
    """Every way to break one constraint of the shape: (what is broken, the body, the errors that may name it)."""
    yield "an unknown member", {**body, "NoSuchMember": "x"}, None
    for name in shape.required_members:
        yield f"without {name}", {key: value for key, value in body.items() if key != name}, None
    for name, member in shape.members.items():
        for what, value, errors in broken_values(member, body.get(name)):
            yield f"{name} {what}", {**body, name: value}, errors


def broken_values(shape, good):
    """Values that break one constraint, all else of them being as in the good value."""
    yield "of the wrong type", 7 if shape.type_name != "integer" else "x", WRONG_TYPE
    kind = shape.type_name
    if kind == "string":
        yield from broken_strings(shape)
    elif kind == "boolean":
        yield "as a string", "true", WRONG_TYPE
    elif kind == "integer":
        yield "too small", shape.metadata["min"] - 1, None
        yield "too large", shape.metadata["max"] + 1, None
    elif kind == "list":
        yield from broken_lists(shape, good)
    elif kind == "map":
        yield "empty", {}, None
        yield "with a bad key", {"aws:identitystore:Enterprise": {"department": "x"}}, None
        yield "with too many keys", {f"aws:identitystore:{chr(97 + n)}": {} for n in range(11)}, None
    elif kind == "structure" and not getattr(shape, "is_document_type", False):
        yield from broken_structures(shape, good)


def broken_strings(shape):
    least, most, pattern = (shape.metadata.get(name) for name in ("min", "max", "pattern"))
    if least:
        yield "empty", "", None
    if most:
        yield "too long", "a" * (most + 1), None
    if pattern:
        yield "against its pattern", f"a{BAD_CHARACTER}b", None
    if "[0-9a-f]" in (pattern or ""):
        yield "in capitals", "D-9067642AC7", None


def broken_lists(shape, good):
    item = good[0] if good else "x"
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if least:
        yield "empty", [], None
    if most:
        yield "too long", [item] * (most + 1), None
    for what, value, errors in broken_values(shape.member, item):
        yield f"with an item {what}", [value], errors


def broken_structures(shape, good):
    good = good if isinstance(good, dict) else {}
    if getattr(shape, "is_tagged_union", False):
        yield "without a member", {}, None
        yield "with two members", {**good, "NoSuchMember": "x"}, None
        others = {"ExternalId": {"Issuer": "x", "Id": "y"}}
        if set(others) <= set(shape.members):
            yield "with both members", {**others, **good}, None
    for what, value, errors in broken_bodies(shape, copy.deepcopy(good)):
        yield what, value, errors


def check_every_answer_has_its_shape(store, bodies):
    unseen = set(store.operations()) - set(bodies)
    assert not unseen, f"the model has operations that nothing here calls: {unseen}"
    for operation, body in bodies.items():
        store.done(operation, body)


def check_every_broken_constraint_is_refused(store, bodies):
    kinder, tried = [], 0
    for operation, body in bodies.items():
        shape = store.model.operation_model(operation).input_shape
        for what, broken, errors in broken_bodies(shape, {"IdentityStoreId": store.id, **body}):
            status, answer = store.raw(operation, broken)
            tried += 1
            if status != 400 or answer.get("__type") not in (errors or {"ValidationException"}):
                kinder.append(f"{operation} {what}: {status} {answer.get('__type')}")
    assert tried > 300, f"only {tried} broken calls were made: the model was not read as meant"
    assert not kinder, "not refused as the model says:\n  " + "\n  ".join(kinder)


def check_boto3_reads_errors_and_pages(store, bodies):
    client, names = store.client, [f"user{n}" for n in range(5)]
    users = [client.create_user(IdentityStoreId=store.id, UserName=name, DisplayName=name,
                                Name={"GivenName": name, "FamilyName": name})["UserId"] for name in names]
    pages = client.get_paginator("list_users").paginate(IdentityStoreId=store.id, PaginationConfig={"PageSize": 2})
    assert set(users) <= {user["UserId"] for page in pages for user in page["Users"]}, "a page lost somebody"
    for error, attribute, call in [
        ("ConflictException", "Reason", lambda: client.create_user(
            IdentityStoreId=store.id, UserName="USER0", DisplayName="x", Name={"GivenName": "x", "FamilyName": "x"})),
        ("ResourceNotFoundException", "ResourceType", lambda: client.describe_user(
            IdentityStoreId=store.id, UserId="9067642ac7-00000000-0000-4000-8000-000000000000")),
        ("ResourceNotFoundException", "ResourceType", lambda: client.list_users(IdentityStoreId="d-0000000000")),
    ]:
        try:
            call()
        except ClientError as refused:
            assert refused.response["Error"]["Code"] == error, refused
            assert refused.response.get(attribute), f"{error} without {attribute}"
        else:
            raise AssertionError(f"{error} was expected, and the call was done")


def checks(addresses):
    """The checks, in the order in which they build on one another."""
    store = Store(addresses)
    bodies = good_world(store)
    for check in (check_every_broken_constraint_is_refused, check_boto3_reads_errors_and_pages,
                  check_every_answer_has_its_shape):
        yield check.__name__, lambda check=check: check(store, bodies)
