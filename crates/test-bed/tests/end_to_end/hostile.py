"""Reads hostile records as the consumer wrote them, with each reader that the README names. One line of JSON a reader:
the `seq` of all ticks found, and the sum of their prices.

Arguments: the folder of a topic with lines of JSON, the folder of a topic with Parquet.
"""

import decimal
import json
import pathlib
import sys

import duckdb
import pandas
import polars
import pyarrow.dataset
import zstandard

LINES, PARQUET = sys.argv[1:]
decimal.getcontext().prec = 60


def tell(reader, seqs, prices=()):
    total = str(sum(prices, decimal.Decimal(0)).normalize())
    print(json.dumps(dict(reader=reader, seqs=sorted(int(seq) for seq in seqs), total=total)))


def by_duckdb(reader, table):
    rows = duckdb.sql(f"SELECT seq, price::DECIMAL(38,18), ts_recv::VARCHAR FROM {table} WHERE symbol IS NOT NULL").fetchall()
    tell(reader, [row[0] for row in rows], [row[1] for row in rows])


by_duckdb("duckdb-jsonl", f"""read_json('{LINES}/*/*/*.jsonl.zst', format = 'newline_delimited', hive_partitioning = true,
    columns = {{symbol: 'VARCHAR', price: 'VARCHAR', ts_recv: 'TIMESTAMPTZ', session: 'UUID', seq: 'BIGINT'}})""")
by_duckdb("duckdb-parquet", f"read_parquet('{PARQUET}/*/*/*.parquet', hive_partitioning = true)")

files = sorted(pathlib.Path(LINES).glob("*/*/*.jsonl.zst"))
rows = [json.loads(line, parse_float=decimal.Decimal) for path in files for line in zstandard.open(path, "rt")]
ticks = pandas.DataFrame(rows).dropna(subset=["symbol"])
pandas.to_datetime(ticks.ts_recv, format="ISO8601", utc=True)
tell("pandas-jsonl", ticks.seq, map(decimal.Decimal, ticks.price))
ticks = pandas.read_parquet(PARQUET).dropna(subset=["symbol"])
tell("pandas-parquet", ticks.seq, ticks.price)

ticks = pyarrow.dataset.dataset(PARQUET, format="parquet", partitioning="hive").to_table()
ticks = ticks.filter(pyarrow.dataset.field("symbol").is_valid())
tell("pyarrow-parquet", ticks["seq"].to_pylist(), ticks["price"].to_pylist())

schema = dict(symbol=polars.String, price=polars.Float64, ts_recv=polars.String, seq=polars.Int64)
ticks = polars.scan_ndjson(f"{LINES}/*/*/*.jsonl.zst", schema=schema).filter(polars.col("symbol").is_not_null()).collect()
ticks["ts_recv"].str.to_datetime(time_unit="ns", time_zone="UTC")
tell("polars-jsonl", ticks["seq"])
ticks = polars.scan_parquet(f"{PARQUET}/*/*/*.parquet", hive_partitioning=True)
ticks = ticks.filter(polars.col("symbol").is_not_null()).collect()
tell("polars-parquet", ticks["seq"], ticks["price"])
