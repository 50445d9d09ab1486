"""A client without a proxy, as a process: see grpc-js-xds-client.ts, which says the same words."""
import sys

import grpc

target, path = sys.argv[1:3]
with grpc.insecure_channel(target) as channel:
    call = channel.unary_unary(path)
    for _ in sys.stdin:
        try:
            print("ok", call(b"", timeout=10).decode(), flush=True)
        except grpc.RpcError as error:
            print("error", error.code().value[0], error.details().replace("\n", " "), flush=True)
