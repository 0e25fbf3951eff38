"""The dashboard: `streamlit run app.py`."""

import atexit
import gc

gc.disable()  # what is imported stays: looking for garbage meanwhile takes a sixth of the start

import streamlit as st
from starlette.middleware import Middleware
from streamlit import delta_generator

from ui.app.access import AccessMiddleware
from ui.app.binding import check_binding
from ui.app.fair_shares.middleware import FairSharesMiddleware
from ui.app.first_paint import FirstPaintMiddleware
from ui.app.gate import GateMiddleware
from ui.app.guard import show_script_error
from ui.app.operations.requests import RequestMiddleware
from ui.app.operations.server_logs import begin_server_logs
from ui.app.operations.starting import StartMiddleware
from ui.app.routes import lifespan, routes

gc.freeze()  # and need not be looked through later
atexit.register(gc.unfreeze)  # but ends in order
gc.enable()
# Before its first element Streamlit looks for a terminal behind us, through every module: a tenth of a second to say "use streamlit run".
delta_generator._use_warning_has_been_displayed = True
check_binding()
begin_server_logs()
app = st.App(
    "ui/app/shell.py",
    routes=routes,
    lifespan=lifespan,
    middleware=[
        Middleware(StartMiddleware),
        Middleware(RequestMiddleware),
        Middleware(AccessMiddleware),
        Middleware(FairSharesMiddleware),
        Middleware(GateMiddleware),
        Middleware(FirstPaintMiddleware),
    ],
    on_script_error=show_script_error,
)
