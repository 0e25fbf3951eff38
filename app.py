"""The dashboard: `streamlit run app.py`."""

import streamlit as st

from ui.app.routes import lifespan, routes

app = st.App("ui/app/shell.py", routes=routes, lifespan=lifespan)
