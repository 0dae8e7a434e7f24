"""Checks of whose host an address is on, that this very machine would switch off."""

from tests.mutants.mutant import Mutant

HOSTS = "tests/security/test_own_hosts.py::"

MUTANTS = (
    Mutant(
        6,
        "partners/domain/keysets.py",
        'theirs.endswith(f".{own}")',
        "theirs.endswith(own)",
        f"{HOSTS}test_keys_are_on_their_company_s_own_host[https://notroadaid.example/jwks.json-False]",
    ),
    Mutant(
        6,
        "partners/domain/keysets.py",
        "http.loopback_allowed() and http.is_loopback(theirs)",
        "http.is_loopback(theirs)",
        f"{HOSTS}test_keys_are_on_their_company_s_own_host[http://127.0.0.1:9/keys-False]",
    ),
    Mutant(
        6,
        "partners/domain/keysets.py",
        "on_own = bool(own) and (theirs",
        "on_own = (theirs",
        f"{HOSTS}test_a_company_without_a_host_has_no_keys",
    ),
    Mutant(
        6,
        "partners/clients/http.py",
        '(scheme == "http" and loopback_allowed() and is_loopback(host))',
        '(scheme == "http" and is_loopback(host))',
        f"{HOSTS}test_nothing_but_https_is_opened",
    ),
    Mutant(
        6,
        "partners/clients/http.py",
        '(scheme == "http" and loopback_allowed() and is_loopback(host))',
        '(scheme == "http" and loopback_allowed())',
        f"{HOSTS}test_the_demo_speaks_to_this_machine_without_tls",
    ),
    Mutant(
        6,
        "partners/clients/http.py",
        "if not host or parts.username or parts.password:",
        "if not host or parts.username:",
        f"{HOSTS}test_no_address_carries_a_name_or_password",
    ),
    Mutant(
        6,
        "revocations/domain/streams.py",
        "http.loopback_allowed() and http.is_loopback(",
        "http.is_loopback(",
        f"{HOSTS}test_a_partner_names_addresses_on_its_contract_s_list_alone",
    ),
    Mutant(
        6,
        "revocations/domain/streams.py",
        "aggregator_id=party_id, is_draft=False",
        "aggregator_id=party_id",
        f"{HOSTS}test_a_draft_lists_nothing",
    ),
    Mutant(
        6,
        "revocations/actions/streams.py",
        'parts.scheme == "http" and http.loopback_allowed() and http',
        'parts.scheme == "http" and http',
        f"{HOSTS}test_nothing_but_https_is_opened",
    ),
    Mutant(
        6,
        "revocations/actions/streams.py",
        "and not parts.username and not parts.password",
        "and not parts.username",
        f"{HOSTS}test_no_address_carries_a_name_or_password",
    ),
    Mutant(
        6,
        "partners/policies/identifiers.py",
        'return host if port == PORTS["https"] or not host else f"{host}:{port}"',
        "return host",
        f"{HOSTS}test_a_partner_names_addresses_on_its_contract_s_list_alone",
    ),
    Mutant(
        6,
        "partners/policies/identifiers.py",
        "return host_of(url) in hosts",
        "return any(host_of(url).endswith(one) for one in hosts)",
        f"{HOSTS}test_a_partner_names_addresses_on_its_contract_s_list_alone",
    ),
    # A check that the demo's own leave to speak to itself would switch off
    Mutant(
        6,
        "partners/actions/addresses.py",
        "    if jwks_uri and not keysets.on_own_host(",
        "    if jwks_uri and not http.loopback_allowed() and not keysets.on_own_host(",
        f"{HOSTS}test_keys_are_moved_on_their_own_host[in the demo]",
    ),
    Mutant(
        6,
        "console/queries/machines.py",
        "(own_host and not on_own_host(uri=party.uri, jwks_uri=address))",
        "(own_host and not http.loopback_allowed() and not on_own_host(uri=party.uri, jwks_uri=address))",
        f"{HOSTS}test_keys_are_moved_on_their_own_host[in the demo]",
    ),
    Mutant(
        6,
        "partners/clients/http.py",
        "is_public(address) or (loopback and address.is_loopback)",
        "is_public(address) or loopback",
        f"{HOSTS}test_no_address_of_an_inner_network_is_spoken_to[in the demo]",
    ),
    Mutant(
        6,
        "partners/clients/http.py",
        '    return host in {"localhost", "127.0.0.1", "::1"}\n',
        '    return host.startswith(("localhost", "127.0.0.1", "::1"))\n',
        f"{HOSTS}test_where_this_machine_is_everybody_s_no_other_host_is",
    ),
)
