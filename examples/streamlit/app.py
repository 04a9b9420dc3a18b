"""Sales, forecast and orders of one series or all of them, on the published file.

streamlit run app.py -- ../../output/salesfc_serve.duckdb
"""

from __future__ import annotations

import sys
from typing import Any

import altair as alt
import duckdb
import pandas as pd
import streamlit as st

DATABASE = sys.argv[1] if len(sys.argv) > 1 else "output/salesfc_serve.duckdb"
ALL = "All series"


@st.cache_data(ttl=60)
def ask(query: str, *values: Any) -> pd.DataFrame:
    """Ask the published file; it is opened anew each time, so that the next publish is seen within a minute."""
    with duckdb.connect(DATABASE, read_only=True) as connection:
        return connection.execute(query, list(values)).df()


def sales_and_forecast(series: str, months: int) -> pd.DataFrame:
    """Past and future of one series; of all, with the bounds of the sum, which are not the sum of bounds."""
    if series != ALL:
        query = """
            select ts, quantity, forecast, lower_bound, upper_bound from fct_salesfc__sales_and_forecast
            where unique_id = ? and ts > (select max(cutoff) from fct_salesfc__forecast) - to_months(?) order by ts
        """
        return ask(query, series, months)
    query = """
        select ts, sum(quantity) as quantity, null as forecast, null as lower_bound, null as upper_bound
        from fct_salesfc__sales_and_forecast
        where time_series_type = 'history' and ts > (select max(cutoff) from fct_salesfc__forecast) - to_months(?)
        group by ts
        union all
        select ts, null, forecast, lower_bound, upper_bound from fct_salesfc__forecast_total where level = 'all'
        order by ts
    """
    return ask(query, months)


def drawn(data: pd.DataFrame) -> alt.LayerChart:
    """Sold, forecast and interval."""
    base = alt.Chart(data).encode(x=alt.X("ts:T", title=None))
    band = base.mark_area(opacity=0.25, color="#3253d6").encode(
        y=alt.Y("lower_bound:Q", title="units"), y2="upper_bound:Q"
    )
    sold = base.mark_line(color="#777", strokeWidth=1.2).encode(y="quantity:Q")
    ahead = base.mark_line(color="#3253d6").encode(y="forecast:Q", tooltip=["ts:T", "forecast:Q"])
    return alt.layer(band, sold, ahead).properties(height=320)


st.set_page_config("Sales forecast", layout="wide")
st.title("Sales forecast")
try:
    names = ask("select unique_id from fct_salesfc__forecast group by 1 order by sum(forecast) desc")["unique_id"]
except duckdb.Error as error:
    st.error(
        f"{DATABASE} cannot be read ({error}). Build and publish first: salesfc demo, or dbt build && salesfc publish."
    )
    st.stop()

chosen = st.sidebar.selectbox("Series", [ALL, *names])
shown = st.sidebar.slider("Months of history", 1, 36, 6)
data = sales_and_forecast(chosen, shown)
units = ask("select max(cutoff) as cutoff, count(distinct ts) as periods from fct_salesfc__forecast")
accuracy = ask("""
    select max(metric_value) filter (where method = 'published') as ours,
        max(metric_value) filter (where method = 'seasonal_naive') as naive
    from fct_salesfc__accuracy where level = 'all' and metric_name = 'wape'
""")

left, middle, right = st.columns(3)
left.metric(f"Units in the next {units.loc[0, 'periods']} periods", f"{data['forecast'].sum():,.0f}")
middle.metric("Sales read up to", f"{units.loc[0, 'cutoff']:%d %b %Y}")
right.metric(
    "Error as a share of sales, all series", f"{accuracy.loc[0, 'ours']:.1%}", f"naive {accuracy.loc[0, 'naive']:.1%}",
    delta_color="off", delta_arrow="off",
)  # fmt: skip
st.altair_chart(drawn(data), width="stretch")

st.subheader("What to order")
orders = ask("""
    select unique_id, stockout_risk, stockout_date, on_hand, reorder_point, order_quantity from fct_salesfc__reorder
    where order_quantity > 0 order by stockout_risk desc, stockout_date, order_quantity desc, unique_id
""")
titles = {
    "unique_id": "series",
    "stockout_risk": st.column_config.ProgressColumn("risk", format="percent"),
    "stockout_date": st.column_config.DateColumn("sold out on"),
    "order_quantity": "order",
}
mine = orders if chosen == ALL else orders[orders["unique_id"] == chosen]
st.dataframe(mine, hide_index=True, column_config=titles)
