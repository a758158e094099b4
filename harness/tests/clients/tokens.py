"""msal and azure-identity get tokens, each in the ways that it documents.

Configured with an authority, or left alone and led by the environment's proxy.
"""

import hashlib
import json
import ssl
import sys
import urllib.parse
import urllib.request

import msal
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, DefaultAzureCredential

GRAPH = "https://graph.microsoft.com/.default"


def main(ready_file: str, certificate: str, by_proxy: bool) -> None:
    with open(ready_file, encoding="utf-8") as file:
        ready = json.load(file)
    if by_proxy:
        common = {"authority": f"https://login.microsoftonline.com/{ready['tenant_id']}"}
        further = {}
    else:
        authority = f"{ready['login']}/{ready['tenant_id']}"
        common = {"authority": authority, "instance_discovery": False, "verify": ready["ca_file"]}
        further = {
            "authority": ready["login"],
            "disable_instance_discovery": True,
            "connection_verify": ready["ca_file"],
        }

    app = msal.ConfidentialClientApplication(
        ready["client_id"], client_credential=ready["client_secret"], **common
    )
    assert "access_token" in app.acquire_token_for_client([GRAPH])
    again = app.acquire_token_for_client([GRAPH])
    assert again["token_source"] == "cache", again

    wrong = msal.ConfidentialClientApplication(
        ready["client_id"], client_credential="wrong", **common
    ).acquire_token_for_client([GRAPH])
    assert wrong["error"] == "invalid_client" and wrong["error_codes"] == [7000215], wrong

    with open(certificate, encoding="utf-8") as file:
        pem = file.read()
    key, public = pem.split("-----BEGIN CERTIFICATE-----")
    thumbprint = sha1_of("-----BEGIN CERTIFICATE-----" + public)
    proof = {"private_key": key, "thumbprint": thumbprint}
    app = msal.ConfidentialClientApplication(ready["client_id"], client_credential=proof, **common)
    assert "access_token" in (got := app.acquire_token_for_client([GRAPH])), got

    people(ready, common, by_proxy)

    credential = ClientSecretCredential(
        ready["tenant_id"],
        ready["client_id"],
        ready["client_secret"],
        **further,
    )
    assert credential.get_token(GRAPH).token.count(".") == 2
    default = DefaultAzureCredential(exclude_managed_identity_credential=True, **further)
    assert default.get_token(GRAPH).token
    try:
        credential.get_token("https://nowhere.example/.default")
    except ClientAuthenticationError as refused:
        assert "AADSTS500011" in str(refused)
    else:
        raise AssertionError("a token for nobody")


def people(ready: dict, common: dict, by_proxy: bool) -> None:
    """Password and device code, and the silent renewal after each."""
    password = ready["accounts"]["password"]
    user = ready["users"][0]["upn"]
    # The id of a public client that every tenant has.
    app = msal.PublicClientApplication("04b07795-8ddb-461a-bbee-02f9e1bf7b46", **common)
    # Before a password is sent, msal asks a host without its port what kind of domain it is.
    if by_proxy:
        got = app.acquire_token_by_username_password(user, password, ["User.Read"])
        assert "access_token" in got, got
        bad = app.acquire_token_by_username_password(user, "wrong", ["User.Read"])
        assert bad["error_codes"] == [50126], bad
        app = msal.PublicClientApplication("04b07795-8ddb-461a-bbee-02f9e1bf7b46", **common)

    flow = app.initiate_device_flow(scopes=["User.Read"])
    form = urllib.parse.urlencode(
        {"user_code": flow["user_code"], "username": user, "password": password}
    )
    with urllib.request.urlopen(flow["verification_uri"], form.encode()) as page:
        assert "signed in" in page.read().decode()
    assert "access_token" in (got := app.acquire_token_by_device_flow(flow)), got
    account = app.get_accounts(username=user)[0]
    assert "access_token" in app.acquire_token_silent(["User.Read"], account, force_refresh=True)


def sha1_of(pem: str) -> str:
    return hashlib.sha1(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] == "proxy")
    print(f"msal and azure-identity ({sys.argv[3]}): secret, certificate, people, renewal, refusals")
