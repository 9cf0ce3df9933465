"""Reads what the consumer wrote with each reader that the README names, as its user would. One line of JSON a reader.

Arguments: the folder of a topic with lines of JSON, the folder of a topic with Parquet.
"""

import decimal
import json
import pathlib
import sys

import duckdb
import pandas
import polars
import pyarrow.compute
import pyarrow.dataset
import zstandard

LINES, PARQUET = sys.argv[1:]
HOUR = 15


def tell(reader, ticks, price_sum, newest, of_hour):
    found = dict(reader=reader, ticks=int(ticks), price_sum=price_sum, newest=str(newest), of_hour=int(of_hour))
    print(json.dumps(found))


def digits(price):
    return str(decimal.Decimal(price).normalize())


def by_duckdb(reader, table, ns):
    found = duckdb.sql(
        f"""SELECT count(symbol), sum(price::DECIMAL(38,18))::VARCHAR, max({ns}), count(symbol) FILTER (hour::INT = {HOUR})
        FROM {table} WHERE symbol IS NOT NULL"""
    ).fetchall()
    [(ticks, price_sum, newest, of_hour)] = found
    tell(reader, ticks, digits(price_sum), newest, of_hour)


by_duckdb("duckdb-jsonl", f"""read_json('{LINES}/*/*/*.jsonl.zst', format = 'newline_delimited', hive_partitioning = true,
    columns = {{symbol: 'VARCHAR', price: 'VARCHAR', ts_recv: 'TIMESTAMP_NS'}})""", "epoch_ns(ts_recv)")
by_duckdb("duckdb-parquet", f"read_parquet('{PARQUET}/*/*/*.parquet', hive_partitioning = true)",
    "epoch_us(ts_recv) * 1000 + ts_recv_nanos")

rows = [
    json.loads(line, parse_float=decimal.Decimal) | {"hour": int(path.parent.name.removeprefix("hour="))}
    for path in sorted(pathlib.Path(LINES).glob("*/*/*.jsonl.zst"))
    for line in zstandard.open(path, "rt")
]
ticks = pandas.DataFrame(rows).dropna(subset=["symbol"])
newest = pandas.to_datetime(ticks.ts_recv, format="ISO8601").max().value
tell("pandas-jsonl", len(ticks), digits(sum(ticks.price)), newest, (ticks.hour == HOUR).sum())

ticks = pandas.read_parquet(PARQUET).dropna(subset=["symbol"])
newest = (ticks.ts_recv.dt.as_unit("ns").astype("int64") + ticks.ts_recv_nanos.astype("int64")).max()
tell("pandas-parquet", len(ticks), digits(sum(ticks.price)), int(newest), (ticks.hour == HOUR).sum())

hive = pyarrow.dataset.partitioning(flavor="hive")
dataset = pyarrow.dataset.dataset(PARQUET, format="parquet", partitioning=hive)
valid = pyarrow.dataset.field("symbol").is_valid()
ticks = dataset.to_table(filter=valid)
microseconds = ticks["ts_recv"].cast("int64")
newest = pyarrow.compute.max(pyarrow.compute.add(pyarrow.compute.multiply(microseconds, 1000), ticks["ts_recv_nanos"]))
of_hour = dataset.count_rows(filter=valid & (pyarrow.dataset.field("hour") == HOUR))
tell("pyarrow-parquet", len(ticks), digits(sum(ticks["price"].to_pylist())), newest, of_hour)

# Polars has no exact decimals for JSON, so a price is read there as the float that it is nearest to
ticks = polars.scan_ndjson(f"{LINES}/*/*/*.jsonl.zst", include_file_paths="path", infer_schema_length=None)
ticks = ticks.filter(polars.col("symbol").is_not_null()).collect()
newest = ticks["ts_recv"].str.to_datetime(time_unit="ns", time_zone="UTC").dt.epoch("ns").max()
tell("polars-jsonl", len(ticks), str(round(ticks["price"].sum(), 5)), newest, ticks["path"].str.contains(f"hour={HOUR}").sum())

ticks = polars.scan_parquet(f"{PARQUET}/*/*/*.parquet", hive_partitioning=True)
ticks = ticks.filter(polars.col("symbol").is_not_null()).collect()
newest = (ticks["ts_recv"].dt.epoch("us") * 1000 + ticks["ts_recv_nanos"]).max()
tell("polars-parquet", len(ticks), digits(ticks["price"].sum()), newest, (ticks["hour"] == HOUR).sum())
