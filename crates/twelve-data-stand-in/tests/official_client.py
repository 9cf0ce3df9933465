"""Talks to the stand-in through the vendor's own client and prints, as JSON, what that client makes of it.

Arguments: the base URL, the WebSocket's URL, the key.
"""

import json
import sys
import threading

from twelvedata import TDClient
from twelvedata.exceptions import TwelveDataError

base_url, ws_url, key = sys.argv[1:]


def raised_by(call):
    """The class and the text of the error that a call raises."""
    try:
        call()
    except TwelveDataError as error:
        return [type(error).__name__, str(error)]
    return None


def client(with_key=key):
    return TDClient(apikey=with_key, base_url=base_url)


def live_prices():
    """What comes of subscribing to three known symbols and an unknown one, until each known one has ticked."""
    status, prices, heartbeats = [], {}, []
    complete = threading.Event()

    def on_event(event):
        if event["event"] == "subscribe-status":
            status.append(event)
        elif event["event"] == "price":
            prices.setdefault(event["symbol"], event)
        elif event["event"] == "heartbeat":
            heartbeats.append(event)
        if len(prices) == 3:
            socket.heartbeat()
        if heartbeats:
            complete.set()

    socket = td.websocket(symbols=["AAPL", "EUR/USD", "BTC/USD", "UNKNOWN"], on_event=on_event)
    socket.url = f"{ws_url}?apikey={key}"
    socket.connect()
    is_complete = complete.wait(20)
    socket.disconnect()
    return {"status": status, "prices": prices, "heartbeats": heartbeats[:1], "is_complete": is_complete}


td = client()
print(
    json.dumps(
        {
            "price": td.price(symbol="AAPL").as_json(),
            "prices": td.price(symbol="AAPL,BTC/USD,UNKNOWN").as_json(),
            "list_of_one": td.price(symbol=["MSFT"]).as_json(),
            "quote": td.quote(symbol="AAPL").as_json(),
            "quotes": td.quote(symbol="EUR/USD,BTC/USD").as_json(),
            "api_usage": td.api_usage().as_json(),
            "unknown_symbol": raised_by(lambda: td.price(symbol="UNKNOWN").as_json()),
            "no_symbol": raised_by(lambda: td.price(symbol="").as_json()),
            "wrong_key": raised_by(lambda: client("wrong").price(symbol="AAPL").as_json()),
            "live": live_prices(),
        }
    )
)
