"""Adds the two rules of REDIRECT interception to the network namespace it is run in, without iptables or nft installed.

usage: redirect-rules.py OUTBOUND_USER OUTBOUND_PORT APPLICATION_PORT INBOUND_PORT

TCP connections that the user opens go to OUTBOUND_PORT; those that arrive from outside for APPLICATION_PORT go to
INBOUND_PORT. The rules are sent to the kernel's nf_tables by netlink: linux/netfilter/nf_tables.h names the numbers.
"""

import os
import socket
import struct
import sys

NEW_TABLE, NEW_CHAIN, NEW_RULE = 0, 3, 6
BATCH_BEGIN, BATCH_END = 0x10, 0x11
SUBSYSTEM = 10
REQUEST, ACK, CREATE, APPEND = 0x1, 0x4, 0x400, 0x800
IPV4 = 2
PREROUTING, OUTPUT = 0, 3
DESTINATION_NAT = -100
REGISTER = 1
INTERFACE_NAME, SOCKET_USER, TRANSPORT = 6, 10, 16
EQUAL, NOT_EQUAL = 0, 1
TCP = 6


def attribute(kind, data):
    length = 4 + len(data)
    return struct.pack('=HH', length, kind) + data + bytes(-length % 4)


def nested(kind, *attributes):
    return attribute(kind | 0x8000, b''.join(attributes))


def text(kind, value):
    return attribute(kind, value.encode() + b'\0')


def number(kind, value):
    return attribute(kind, struct.pack('!I', value & 0xFFFFFFFF))


def expression(name, *attributes):
    return nested(1, text(1, name), nested(2, *attributes))


def compare(operator, value):
    return expression('cmp', number(1, REGISTER), number(2, operator), nested(3, attribute(1, value)))


def meta(key, operator, value):
    return expression('meta', number(1, REGISTER), number(2, key)) + compare(operator, value)


def to_port(port):
    return expression('payload', number(1, REGISTER), number(2, 2), number(3, 2), number(4, 2)) + compare(
        EQUAL, struct.pack('!H', port)
    )


def redirect_to(port):
    value = nested(2, attribute(1, struct.pack('!H', port)))
    return expression('immediate', number(1, REGISTER), value) + expression('redir', number(1, REGISTER))


def chain(name, hook):
    where = nested(4, number(1, hook), number(2, DESTINATION_NAT))
    return text(1, 'weir') + text(3, name) + where + text(7, 'nat')


def rule(name, *expressions):
    return text(1, 'weir') + text(2, name) + nested(4, meta(TRANSPORT, EQUAL, bytes([TCP])), *expressions)


def message(sequence, kind, flags, body):
    header = struct.pack('=IHHII', 20 + len(body), SUBSYSTEM << 8 | kind, REQUEST | ACK | CREATE | flags, sequence, 0)
    return header + struct.pack('!BBH', IPV4, 0, 0) + body


def batch(kind):
    return struct.pack('=IHHII', 20, kind, REQUEST, 0, 0) + struct.pack('!BBH', 0, 0, SUBSYSTEM)


def main(user, outbound, application, inbound):
    own = meta(SOCKET_USER, EQUAL, struct.pack('=I', user))
    foreign = meta(INTERFACE_NAME, NOT_EQUAL, b'lo'.ljust(16, b'\0'))
    messages = [
        message(1, NEW_TABLE, 0, text(1, 'weir')),
        message(2, NEW_CHAIN, 0, chain('output', OUTPUT)),
        message(3, NEW_CHAIN, 0, chain('prerouting', PREROUTING)),
        message(4, NEW_RULE, APPEND, rule('output', own, redirect_to(outbound))),
        message(5, NEW_RULE, APPEND, rule('prerouting', foreign, to_port(application), redirect_to(inbound))),
    ]
    netfilter = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    netfilter.bind((0, 0))
    netfilter.settimeout(5)
    netfilter.send(batch(BATCH_BEGIN) + b''.join(messages) + batch(BATCH_END))
    answered = 0
    while answered < len(messages):
        data = netfilter.recv(65536)
        at = 0
        while at < len(data):
            length, kind, _, sequence, _, error = struct.unpack_from('=IHHIIi', data, at)
            if kind == 2 and error != 0:
                sys.exit(f'rule {sequence} was refused: {os.strerror(-error)}')
            answered += kind == 2
            at += length + 3 & ~3


main(*map(int, sys.argv[1:]))
