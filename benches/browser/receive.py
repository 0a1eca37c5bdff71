"""The consumer of the browser benchmark in Python: the library `websockets`, as its documentation has it, without compression.

Prints its port, then, when the page has closed the connection, what it has received as one line of JSON.
"""

import asyncio
import json
import struct
import time

import websockets


async def main():
    done = asyncio.get_running_loop().create_future()

    async def receive(socket):
        frames, latencies = 0, []
        async for message in socket:
            now = time.time()
            number, captured_ms = struct.unpack_from("<Qd", message)
            frames += 1
            latencies.append(max(0, int((now - captured_ms / 1000) * 1e9)))
        done.set_result({"frames": frames, "latencies": latencies})

    async with websockets.serve(receive, "127.0.0.1", 0, compression=None, max_size=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        print(json.dumps(await done), flush=True)


asyncio.run(main())
