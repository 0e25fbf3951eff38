"""The dashboard: `streamlit run app.py`."""

import streamlit as st

from ui.routes import lifespan, routes

app = st.App("ui/shell.py", routes=routes, lifespan=lifespan)
