"""The dashboard: `streamlit run app.py`."""

import streamlit as st
from starlette.middleware import Middleware

from ui.app.access import AccessMiddleware
from ui.app.routes import lifespan, routes

app = st.App("ui/app/shell.py", routes=routes, lifespan=lifespan, middleware=[Middleware(AccessMiddleware)])
