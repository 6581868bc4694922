"""Starts a sandbox on a free port, runs every check against it, and stops it."""

import json
import subprocess
import sys
import traceback
import urllib.request

import account_assignment_model
import graph_facts
import identity_store_model
import saml_provider_model
import web_identity_model


def main(binary):
    sandbox = subprocess.Popen([binary, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        first_line = sandbox.stdout.readline()
        if not first_line:
            sys.exit(f"tests/third_party: {binary} printed no addresses: start it by hand and read its error")
        addresses = json.loads(first_line)
        without_quotas(addresses)
        passed, failed = 0, 0
        for module in (identity_store_model, graph_facts, saml_provider_model, web_identity_model,
                       account_assignment_model):
            for name, check in module.checks(addresses):
                good = holds(module.__name__, name, check)
                passed, failed = passed + good, failed + (not good)
        print(f"{passed} passed, {failed} failed")
        return 1 if failed or not passed else 0
    finally:
        sandbox.kill()
        sandbox.wait()


def without_quotas(addresses):
    """These checks make more calls in a second than the quotas allow."""
    request = urllib.request.Request(f"{addresses['control']}/faults", b'{"quotas": false}',
                                     {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


def holds(module, name, check):
    try:
        check()
    except Exception:
        print(f"FAILED {module}.{name}: make the sandbox (shared/sandbox) do what the check says, or correct the check")
        traceback.print_exc(file=sys.stdout)
        return False
    print(f"ok {module}.{name}")
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
