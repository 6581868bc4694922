"""Holds the sandbox's outbound identity federation against botocore's models of IAM and STS, and its tokens against a library
that knows nothing of it.

A function's role gets a token that says who calls; whoever trusts its issuer verifies it with the issuer's published keys.
"""

import json
import time
import urllib.request

from joserfc import jwt
from joserfc.jwk import KeySet
from saml_provider_model import Api, control, refused

AUDIENCE = "api://AzureADTokenExchange"
ROLE = "web-identity-model"


class World:
    """A role that may have tokens for one audience, and its credentials."""

    def __init__(self, addresses):
        self.addresses, self.account = addresses, addresses["account_id"]
        grant = {"audience": AUDIENCE, "signing_algorithm": "RS256", "longest_seconds": 300}
        control(addresses, "seed", {
            "accounts": [{"id": self.account, "roles": [{"name": ROLE, "web_identity_tokens": grant}]}]})
        self.arn = f"arn:aws:iam::{self.account}:role/{ROLE}"
        keys = control(addresses, "session", {"role": self.arn})
        pair = (keys["access_key_id"], keys["secret_access_key"])
        self.iam, self.sts = Api(addresses, "iam"), Api(addresses, "sts", pair, keys["session_token"])
        self.good = {"Audience.member.1": AUDIENCE, "SigningAlgorithm": "RS256", "DurationSeconds": "300"}

    def token(self, **other):
        request = {"Audience": [AUDIENCE], "SigningAlgorithm": "RS256", "DurationSeconds": 300, **other}
        return self.sts.client.get_web_identity_token(**request)

    def published(self, issuer, document):
        """At the sandbox's own address: by the issuer's name nobody reaches it."""
        name = issuer.removeprefix("https://").partition(".")[0]
        base = self.addresses["aws"].removesuffix("/").removesuffix("/aws")
        with urllib.request.urlopen(f"{base}/issuers/{name}/.well-known/{document}", timeout=10) as answer:
            return json.load(answer)


def check_federation_is_off_until_it_is_turned_on(world):
    refused("FeatureDisabled", 404, world.iam.client.get_outbound_web_identity_federation_info)
    refused("OutboundWebIdentityFederationDisabledException", 403, world.token)
    world.iam.done("EnableOutboundWebIdentityFederation", {})
    refused("FeatureEnabled", 409, world.iam.client.enable_outbound_web_identity_federation)
    info = world.iam.done("GetOutboundWebIdentityFederationInfo", {})
    assert len(info) == 2, "the issuer, and that it gives tokens"
    assert world.iam.client.get_outbound_web_identity_federation_info()["JwtVendingEnabled"] is True


def check_a_token_is_verified_with_the_published_keys_of_its_issuer(world):
    world.sts.done("GetWebIdentityToken", world.good)
    given = world.token()
    issuer = world.iam.client.get_outbound_web_identity_federation_info()["IssuerIdentifier"]
    discovery = world.published(issuer, "openid-configuration")
    assert discovery["issuer"] == issuer and discovery["jwks_uri"].startswith(issuer), discovery
    keys = KeySet.import_key_set(world.published(issuer, "jwks.json"))
    token = jwt.decode(given["WebIdentityToken"], keys, algorithms=["RS256"])
    claims, now = token.claims, time.time()
    assert (claims["iss"], claims["sub"], claims["aud"]) == (issuer, world.arn, AUDIENCE), claims
    assert abs(claims["exp"] - claims["iat"] - 300) <= 1 and abs(claims["iat"] - now) < 60, claims
    assert abs(given["Expiration"].timestamp() - claims["exp"]) <= 1, given["Expiration"]
    assert token.header["alg"] == "RS256" and token.header["kid"], token.header


def check_what_the_role_was_not_granted_and_what_the_model_forbids_is_refused(world):
    refused("AccessDenied", 403, lambda: world.token(Audience=["https://elsewhere.example"]))
    refused("AccessDenied", 403, lambda: world.token(DurationSeconds=301))
    shape = world.sts.model.operation_model("GetWebIdentityToken").input_shape
    seconds = shape.members["DurationSeconds"].metadata
    calls = [{key: value for key, value in world.good.items() if key != missing}
             for missing in ("Audience.member.1", "SigningAlgorithm")]
    calls += [{**world.good, "DurationSeconds": str(wrong)} for wrong in (seconds["min"] - 1, seconds["max"] + 1, "x")]
    calls += [{**world.good, "SigningAlgorithm": "HS256"}, {**world.good, "NoSuchMember": "x"}]
    kinder = []
    for call in calls:
        status, _ = world.sts.raw("GetWebIdentityToken", call)
        if status != 400:
            kinder.append(f"{call}: {status}")
    assert not kinder, "not refused as the model says:\n  " + "\n  ".join(kinder)


def checks(addresses):
    """The checks, in the order in which they build on one another."""
    world = World(addresses)
    for check in (check_federation_is_off_until_it_is_turned_on,
                  check_a_token_is_verified_with_the_published_keys_of_its_issuer,
                  check_what_the_role_was_not_granted_and_what_the_model_forbids_is_refused):
        yield check.__name__, lambda check=check: check(world)
