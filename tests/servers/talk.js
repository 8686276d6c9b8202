// A conversation with tests/servers/sockets.py, in browsers and, with the package ws, in Node.

function open(Socket, url, protocols = []) {
    const socket = new Socket(url, protocols);
    socket.binaryType = "arraybuffer";
    const arrived = [];
    const waiting = [];
    let error = "";
    socket.onmessage = ({ data }) => (waiting.length ? waiting.shift()(data) : arrived.push(data));
    socket.onerror = (event) => (error = event.message ?? "");
    const opened = new Promise((resolve) => (socket.onopen = resolve));
    const closed = new Promise((resolve) => {
        socket.onclose = ({ code, reason }) => resolve({ code, reason, error });
    });
    const next = () =>
        new Promise((resolve) =>
            arrived.length ? resolve(arrived.shift()) : waiting.push(resolve),
        );
    return { socket, opened, closed, next };
}

async function refusal(Socket, url) {
    return await open(Socket, url).closed;
}

async function talk(Socket, origin) {
    const found = { echoes: [], ends: {} };
    const first = open(Socket, `${origin}/talk`, ["chat.v1", "chat.v2", "soap"]);
    await first.opened;
    found.protocol = first.socket.protocol;
    const messages = ["ä€😀", "", [0, 255], [], "x".repeat(100000)];
    for (const message of messages) {
        const isText = typeof message === "string";
        first.socket.send(isText ? message : new Uint8Array(message));
        const echo = await first.next();
        found.echoes.push(
            typeof echo === "string" ? echo === message : `${new Uint8Array(echo)}` === `${message}`,
        );
    }
    first.socket.send("close");
    const { code, reason } = await first.closed;
    found.closed = [code, reason];

    const second = open(Socket, `${origin}/talk`);
    await second.opened;
    found.none = second.socket.protocol;
    second.socket.close(4002, "so long");
    found.own = (await second.closed).code;

    const sent = { limited: "x".repeat(11), texts: new Uint8Array(1), numbers: "x" };
    for (const path of ["limited", "texts", "numbers", "broken", "done"]) {
        const one = open(Socket, `${origin}/${path}`);
        await one.opened;
        one.socket.send(sent[path] ?? "x");
        found.ends[path] = (await one.closed).code;
    }
    found.refused = await refusal(Socket, `${origin}/refused`);
    return found;
}

if (typeof module !== "undefined") {
    talk(require("ws"), process.argv[2]).then((found) => console.log(JSON.stringify(found)));
}
