"""The nftables rules of a pod's network namespace, as netlink messages. Constants from linux/netfilter/nf_tables.h.

What they say, in nft's own language:

    table ip mesh {
      chain output {
        type nat hook output priority -100
        ip daddr 10.96.0.10 udp dport 53 redirect to :15053
        ip daddr 10.96.0.10 tcp dport 53 redirect to :15053
        ip daddr 127.0.0.0/8 return
        ip daddr <the pod's own address> return
        meta l4proto tcp redirect to :15001
      }
    }
"""

import socket
import struct

from mesh.pods.network.netlink import NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, Message, attribute, nest, text

NFNL_SUBSYS_NFTABLES = 10
NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END = 0x10, 0x11
NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE = 0, 2, 3, 6
NFPROTO_IPV4 = 2
NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST = 3, -100
NFTA_TABLE_NAME = 1
NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_TYPE = 1, 3, 4, 7
NFTA_HOOK_HOOKNUM, NFTA_HOOK_PRIORITY = 1, 2
NFTA_RULE_TABLE, NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS = 1, 2, 4
NFTA_LIST_ELEM = 1
NFTA_EXPR_NAME, NFTA_EXPR_DATA = 1, 2
NFTA_DATA_VALUE, NFTA_DATA_VERDICT, NFTA_VERDICT_CODE = 1, 2, 1
NFT_REG_VERDICT, NFT_REG_1 = 0, 1
NFT_RETURN = -5
NFT_PAYLOAD_NETWORK_HEADER, NFT_PAYLOAD_TRANSPORT_HEADER = 1, 2
NFT_META_L4PROTO = 16
NFT_CMP_EQ = 0
IPV4_DESTINATION, TRANSPORT_DESTINATION_PORT = 16, 2  # offsets within the headers

TABLE, CHAIN = "mesh", "output"


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("!i" if value < 0 else "!I", value))


def _value(kind: int, value: bytes) -> bytes:
    return nest(kind, attribute(NFTA_DATA_VALUE, value))


def _expression(name: str, *parts: bytes) -> bytes:
    return nest(NFTA_LIST_ELEM, text(NFTA_EXPR_NAME, name), nest(NFTA_EXPR_DATA, *parts))


def _load_payload(base: int, offset: int, length: int) -> bytes:
    # NFTA_PAYLOAD_DREG, _BASE, _OFFSET, _LEN
    return _expression("payload", _number(1, NFT_REG_1), _number(2, base), _number(3, offset), _number(4, length))


def _equals(value: bytes) -> bytes:
    # NFTA_CMP_SREG, _OP, _DATA
    return _expression("cmp", _number(1, NFT_REG_1), _number(2, NFT_CMP_EQ), _value(3, value))


def _destination(address: str, prefix: int = 32) -> list[bytes]:
    steps = [_load_payload(NFT_PAYLOAD_NETWORK_HEADER, IPV4_DESTINATION, 4)]
    if prefix < 32:
        mask = struct.pack("!I", (0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF)
        # NFTA_BITWISE_SREG, _DREG, _LEN, _MASK, _XOR
        steps.append(
            _expression(
                "bitwise",
                _number(1, NFT_REG_1),
                _number(2, NFT_REG_1),
                _number(3, 4),
                _value(4, mask),
                _value(5, b"\0\0\0\0"),
            )
        )
    return [*steps, _equals(socket.inet_aton(address))]


def _protocol(number: int) -> list[bytes]:
    # NFTA_META_DREG, _KEY. The register holds the number in its first byte.
    return [_expression("meta", _number(2, NFT_META_L4PROTO), _number(1, NFT_REG_1)), _equals(bytes([number]))]


def _port(port: int) -> list[bytes]:
    return [
        _load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, TRANSPORT_DESTINATION_PORT, 2),
        _equals(struct.pack("!H", port)),
    ]


def _redirect(port: int) -> list[bytes]:
    # NFTA_IMMEDIATE_DREG, _DATA; NFTA_REDIR_REG_PROTO_MIN
    immediate = _expression("immediate", _number(1, NFT_REG_1), _value(2, struct.pack("!H", port)))
    return [immediate, _expression("redir", _number(1, NFT_REG_1))]


def _return() -> list[bytes]:
    verdict = nest(2, nest(NFTA_DATA_VERDICT, _number(NFTA_VERDICT_CODE, NFT_RETURN)))
    return [_expression("immediate", _number(1, NFT_REG_VERDICT), verdict)]


def _message(kind: int, flags: int, body: bytes, purpose: str, *, family: int = NFPROTO_IPV4) -> Message:
    # struct nfgenmsg: family, version, resource id in network order
    subsystem = 0 if kind in (NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END) else NFNL_SUBSYS_NFTABLES << 8
    resource = NFNL_SUBSYS_NFTABLES if subsystem == 0 else 0
    header = struct.pack("=BB", family, 0) + struct.pack("!H", resource)
    return Message(subsystem | kind, flags, header + body, purpose)


def _rule(purpose: str, *steps: list[bytes]) -> Message:
    expressions = attribute(NFTA_RULE_EXPRESSIONS, b"".join(part for step in steps for part in step), nested=True)
    body = text(NFTA_RULE_TABLE, TABLE) + text(NFTA_RULE_CHAIN, CHAIN) + expressions
    return _message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK, body, f"nftables: {purpose}")


def pod_rules(address: str, dns_address: str, dns_port: int, proxy_port: int) -> list[Message]:
    """The batch that (re)creates a pod's table: calling it twice leaves one table.

    The names' address comes first: it lies in the range of Services, and TCP to it must not reach the proxy.
    """
    table = text(NFTA_TABLE_NAME, TABLE)
    hook = nest(
        NFTA_CHAIN_HOOK, _number(NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_OUT), _number(NFTA_HOOK_PRIORITY, NF_IP_PRI_NAT_DST)
    )
    chain = text(NFTA_CHAIN_TABLE, TABLE) + text(NFTA_CHAIN_NAME, CHAIN) + hook + text(NFTA_CHAIN_TYPE, "nat")
    names = [
        _rule(
            f"redirect DNS over {label}", _destination(dns_address), _protocol(number), _port(53), _redirect(dns_port)
        )
        for label, number in (("UDP", socket.IPPROTO_UDP), ("TCP", socket.IPPROTO_TCP))
    ]
    return [
        _message(NFNL_MSG_BATCH_BEGIN, 0, b"", "nftables: begin", family=0),
        # Created, deleted and created again: deleting a table that does not exist would fail the whole batch.
        _message(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK, table, "nftables: create table"),
        _message(NFT_MSG_DELTABLE, NLM_F_ACK, table, "nftables: clear table"),
        _message(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK, table, "nftables: create table"),
        _message(NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK, chain, "nftables: create nat chain"),
        *names,
        _rule("leave loopback alone", _destination("127.0.0.0", 8), _return()),
        _rule("leave the pod's own address alone", _destination(address), _return()),
        _rule("redirect TCP to the proxy", _protocol(socket.IPPROTO_TCP), _redirect(proxy_port)),
        _message(NFNL_MSG_BATCH_END, 0, b"", "nftables: end", family=0),
    ]
