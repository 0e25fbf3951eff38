from __future__ import annotations

import subprocess
import sys
import time

import pytest

from engine.core.settings import Settings
from engine.curation.judgements import JudgementStore
from engine.curation.votes import Judgement
from engine.edits.sets.store import SetStore
from engine.recommend.recommender import Recommender
from engine.store import Database
from tests.support.dashboard import ROOT, card_data, open_shell, shown_ids, written_html
from tests.support.tiny_release import FORMULA_TITLE, HTML_TITLE, TinyRelease, build_tiny_release


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> TinyRelease:
    from engine.core.workspace import Workspace

    return build_tiny_release(Workspace(tmp_path_factory.mktemp("tiny") / "workspace"))


@pytest.fixture
def tiny(built: TinyRelease, monkeypatch) -> TinyRelease:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(built.workspace.root))
    return built


def healthy(app):
    assert not app.exception
    assert [error.value for error in app.error] == []
    return app


def test_the_list_shows_the_busiest_products_first_a_page_at_a_time(tiny):
    app = healthy(open_shell())
    ids = shown_ids(app)
    counts = [tiny.counts[item_id] for item_id in ids]
    assert len(ids) == 24
    assert counts == sorted(tiny.counts.values(), reverse=True)[:24]
    assert app.caption[-1].value == "60 products"
    last = shown_ids(healthy(open_shell(page="3")))
    assert len(last) == 12
    assert tiny.counts[last[-1]] == 0


def test_the_top_bar_names_shop_and_release(tiny):
    bar = written_html(healthy(open_shell()))
    assert "Tiny Dresses" in bar
    assert "Release 1, trained today" in bar
    assert "60 products" in bar


def test_typing_a_search_puts_it_into_the_address_and_goes_to_the_first_page(tiny):
    app = open_shell(page="2")
    app.text_input(key="find_text").set_value("navy").run()
    healthy(app)
    assert app.query_params == {"q": "navy"}
    assert sorted(shown_ids(app)) == [f"f1-{number:02d}" for number in range(10)]


def test_a_pasted_address_shows_the_same_search(tiny):
    app = healthy(open_shell(q="navy", traffic="none"))
    assert shown_ids(app) == ["f1-09"]
    assert app.text_input(key="find_text").value == "navy"
    assert app.pills(key="find_traffic").value == ["none"]


def test_filters_and_order_narrow_and_sort(tiny):
    app = open_shell()
    app.pills(key="find_brand").set_value(["House 1"]).run()
    app.selectbox(key="find_sort").set_value("least").run()
    healthy(app)
    assert app.query_params == {"brand": "House 1", "sort": "least"}
    shown = shown_ids(app)
    assert {tiny.families[item_id] % 4 for item_id in shown} == {1}
    assert tiny.counts[shown[0]] == 0


@pytest.mark.parametrize(
    "query",
    [{"page": "x"}, {"page": "-3"}, {"page": "99999999999"}, {"traffic": "odd"}, {"sort": "?"}, {"from": "nan"}],
)
def test_an_address_that_makes_no_sense_shows_the_list(tiny, query):
    assert len(shown_ids(healthy(open_shell(**query)))) > 0


def test_a_search_without_hits_says_so_and_offers_everything(tiny):
    app = healthy(open_shell(q="zzz", brand="House 1"))
    assert "No products match" in app.info[0].value
    next(button for button in app.button if button.label == "Show all products").click().run()
    assert app.query_params == {}
    assert len(shown_ids(app)) == 24


def chip(app, label):
    return next(button for button in app.button if (button.key or "").startswith("chip_") and button.label == label)


def test_every_part_of_a_search_is_a_chip_that_takes_it_away(tiny):
    asked = {"q": "dress", "brand": "House 1", "traffic": "tail", "price": "20..90", "a.colour": "navy"}
    app = healthy(open_shell(**asked))
    labels = [button.label for button in app.button if button.key and button.key.startswith("chip_")]
    assert labels == ["“dress”", "Brand: House 1", "Colour: navy", "Traffic: Long tail", "Price: £20.00 to £90.00"]
    for label, name in zip(labels, ["q", "brand", "a.colour", "traffic", "price"], strict=True):
        chip(app, label).click().run()
        asked.pop(name)
        assert app.query_params == asked
    assert len(shown_ids(healthy(app))) == 24


def test_all_parts_of_a_search_go_at_once(tiny):
    app = open_shell(q="dress", brand="House 1", sort="title", **{"a.colour": "navy"})
    next(button for button in app.button if button.label == "Clear all").click().run()
    assert app.query_params == {}


def test_facets_of_every_attribute_count_what_each_value_would_leave(tiny):
    app = healthy(open_shell(q="navy"))
    assert [option.content for option in app.pills(key="find_colour").proto.options] == ["navy · 10"]
    assert len(open_shell(q="navy", **{"a.colour": "navy"}).pills(key="find_colour").proto.options) == 1
    app.pills(key="find_occasions").set_value(["party"]).run()
    assert app.query_params == {"q": "navy", "a.occasions": "party"}
    items = Recommender.open(tiny.workspace).items.set_index("item_id")["occasions"]
    assert all("party" in items[item_id] for item_id in shown_ids(healthy(app)))


def test_numbers_are_narrowed_by_a_range_in_the_address(tiny):
    app = open_shell(q="dress")
    app.number_input(key="find_length_cm_high").set_value(92.0).run()
    assert app.query_params == {"q": "dress", "a.length_cm": "..92"}
    app.number_input(key="find_length_cm_low").set_value(90.0).run()
    assert app.query_params == {"q": "dress", "a.length_cm": "90..92"}
    lengths = Recommender.open(tiny.workspace).items.set_index("item_id")["length_cm"]
    shown = shown_ids(healthy(app))
    assert shown
    assert lengths[shown].between(90, 92).all()


def test_a_misspelt_search_says_what_it_searched_for(tiny):
    app = healthy(open_shell(q="nvay stirped"))
    assert any("“striped” for “stirped”" in caption.value for caption in app.caption)


def test_a_search_is_kept_as_a_set_that_is_made_anew(tiny):
    app = open_shell(q="navy", sort="title")
    app.text_input(key="save_search_name").set_value("Navy ones").run()
    app.button(key="save_search").click().run()
    healthy(app)
    kept = next(one for one in SetStore(Database(tiny.workspace.database_url)).all() if one.name == "Navy ones")
    assert kept.search == {"q": ["navy"], "sort": ["title"]}


def test_a_long_tail_product_is_one_click_away(tiny):
    app = open_shell()
    next(button for button in app.button if "long-tail" in button.label).click().run()
    healthy(app)
    assert 1 <= tiny.counts[app.query_params["item"]] <= 3


def test_a_product_shows_behaviour_beside_longtail_aligned_by_rank(tiny):
    app = healthy(open_shell(item="f2-03"))
    data = card_data(app)
    assert data["layout"] == "columns"
    assert [group["title"] for group in data["groups"]] == ["Behaviour", "Longtail"]
    for group in data["groups"]:
        assert [card["rank"] for card in group["cards"]] == list(range(1, 11))
    facade = Recommender.open(tiny.workspace)
    assert shown_ids(app, "hybrid") == [neighbour.item_id for neighbour in facade.neighbours("f2-03", "hybrid", 10)]
    assert shown_ids(app, "als") == [neighbour.item_id for neighbour in facade.neighbours("f2-03", "als", 10)]


def test_a_product_says_what_its_clicks_mean(tiny):
    html = written_html(healthy(open_shell(item=tiny.with_clicks(1))))
    assert "1 click: too few for behaviour alone; the median product has" in html


def test_one_arm_at_a_time_is_in_the_address(tiny):
    app = open_shell(item="f2-03")
    app.segmented_control(key="view").set_value("content").run()
    healthy(app)
    assert app.query_params == {"item": "f2-03", "view": "content"}
    assert [group["title"] for group in card_data(app)["groups"]] == ["Text and picture"]


def test_a_product_without_clicks_has_an_honest_empty_behaviour_list(tiny):
    item_id = tiny.with_clicks(0)
    app = healthy(open_shell(item=item_id))
    behaviour, hybrid = card_data(app)["groups"]
    assert behaviour["cards"] == []
    assert behaviour["empty"].startswith("No clicks yet")
    assert {tiny.families[card["item_id"]] for card in hybrid["cards"][:5]} == {tiny.families[item_id]}


def test_titles_are_data_to_cards_and_escaped_in_html(tiny):
    app = healthy(open_shell(item="f0-00"))
    html = written_html(app)
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; &quot;quoted&quot; dress" in html
    assert HTML_TITLE not in html
    assert FORMULA_TITLE in [card["title"] for group in card_data(app)["groups"] for card in group["cards"]]


def test_a_product_without_title_price_or_picture_is_shown_all_the_same(tiny):
    bare = list(tiny.families)[12]
    app = healthy(open_shell(item=bare))
    assert bare in written_html(app)
    assert '<div class="lt-picture">' not in written_html(app)


def test_an_unknown_product_is_said_to_be_unknown(tiny):
    app = open_shell(item="<script>")
    assert not app.exception
    assert r"\<script\>" in app.warning[0].value  # a sentence is Markdown, an id is not
    next(button for button in app.button if button.label == "Show all products").click().run()
    assert len(shown_ids(app)) == 24


def test_judgements_are_shown_wherever_the_pair_appears(tiny):
    facade = Recommender.open(tiny.workspace)
    neighbour = facade.neighbours("f3-02", "hybrid", 10)[0].item_id
    judgement = Judgement(
        client_id="6d0c9b3e-4a3f-4f0e-9d5e-0d2f8c6b7a10", anchor_id="f3-02", neighbour_id=neighbour,
        verdict="irrelevant", implied=False, rater="Bo", source="similar_items", release_id="r0001", anchor_count=7,
        ranks={},
    )  # fmt: skip
    JudgementStore(Database(tiny.workspace.database_url)).add([judgement])
    for view in ("", "hybrid"):
        app = healthy(open_shell(item="f3-02", view=view))
        assert card_data(app)["judging"]["others"] == {neighbour: "1 × irrelevant"}
        assert any("Bo judged 1 of these" in caption.value for caption in app.caption)


def test_a_damaged_release_is_not_served_and_the_page_says_so(workspace, monkeypatch):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    build_tiny_release(workspace)
    second = build_tiny_release(workspace)
    with (workspace.releases / second.release_id / "hybrid.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"\xff\xff\xff")
    app = healthy(open_shell())
    assert "Release 2" in app.warning[0].value
    assert "Release 1," in written_html(app)
    assert len(shown_ids(app)) == 24


def test_opening_the_page_imports_no_torch(tiny):
    script = (
        "import sys\n"
        "from tests.support.dashboard import open_shell, shown_ids\n"
        "assert len(shown_ids(open_shell())) == 24\n"
        "assert len(shown_ids(open_shell(item='f0-00'), 'hybrid')) == 10\n"
        "heavy = {'torch', 'transformers', 'implicit', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def reading(tmp_path_factory) -> TinyRelease:
    """A shop whose release has real readers."""
    from engine.core.workspace import Workspace

    settings = Settings.model_validate({"image": {"kind": "classifiers"}})
    workspace = Workspace(tmp_path_factory.mktemp("reading") / "workspace")
    return build_tiny_release(workspace, settings=settings)


@pytest.fixture
def readable(reading: TinyRelease, monkeypatch) -> TinyRelease:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(reading.workspace.root))
    return reading


def until_found(app, seconds: float = 60.0):
    """The page once what is similar in meaning was found, as the browser asks for it again and again."""
    deadline = time.monotonic() + seconds
    while any("Looking for products" in caption.value for caption in app.caption):
        assert time.monotonic() < deadline
        time.sleep(0.2)
        app.run()
    return healthy(app)


def test_what_no_word_says_is_found_by_meaning_and_marked_as_such(readable):
    app = until_found(open_shell(q="garments for the seaside"))
    assert app.query_params == {"q": "garments for the seaside"}
    assert [group["title"] for group in card_data(app)["groups"]] == ["Similar in meaning"]
    narrowed = until_found(open_shell(q="garments for the seaside", traffic="none"))
    assert all(readable.counts[card["item_id"]] == 0 for card in card_data(narrowed)["groups"][0]["cards"])


def test_where_words_find_few_what_is_similar_in_meaning_follows_and_repeats_nothing(readable):
    app = until_found(open_shell(q="navy striped dress"))
    groups = card_data(app, 1)["groups"]
    assert groups[0]["title"] == "Also similar in meaning"
    words = {card["item_id"] for card in card_data(app)["groups"][0]["cards"]}
    assert words == {f"f1-{number:02d}" for number in range(10)}
    assert not words & {card["item_id"] for card in groups[0]["cards"]}


@pytest.mark.parametrize("text", ["zxqv wvzk", "qqqq", "xkcd jfhgk bvvd"])
def test_nonsense_finds_nothing_by_words_or_meaning(readable, text):
    app = until_found(open_shell(q=text))
    assert "No products match" in app.info[0].value
    assert not any(element.proto.component_name == "longtail_cards" for element in app.get("bidi_component"))


def test_a_picture_and_words_narrow_together(readable):
    items = Recommender.open(readable.workspace).items
    wanted = items.loc[items["item_id"] == "f2-04", "image"].iloc[0]
    assert {readable.families[item_id] for item_id in shown_ids(healthy(open_shell(like=wanted, q="navy")))} == {1}


def test_a_picture_finds_what_looks_like_it_and_one_click_ends_it(readable):
    items = Recommender.open(readable.workspace).items
    wanted = items.loc[items["item_id"] == "f2-04", "image"].iloc[0]
    app = healthy(open_shell(like=wanted))
    assert {readable.families[item_id] for item_id in shown_ids(app)[:3]} == {2}
    assert wanted in written_html(app)
    chip(app, "Your picture").click().run()
    assert app.query_params == {}


def test_a_picture_can_be_given_and_one_that_is_none_is_refused(readable):
    app = open_shell()
    file = next(iter((readable.workspace.root / "images").rglob("*.jpg")))
    app.file_uploader(key="like_picture").set_value(("mine.jpg", file.read_bytes(), "image/jpeg")).run()
    healthy(app)
    assert "like" in app.query_params
    bad = open_shell()
    bad.file_uploader(key="like_picture").set_value(("mine.jpg", b"no picture", "image/jpeg")).run()
    assert not bad.exception
    assert "mine.jpg" in bad.error[0].value
    assert "like" not in bad.query_params


@pytest.mark.parametrize("query", [{"like": "odd"}, {"like": "../../etc"}, {"q": "  "}])
def test_a_search_that_makes_no_sense_shows_the_list(tiny, query):
    assert len(shown_ids(healthy(open_shell(**query)))) == 24


def test_a_picture_that_is_gone_is_said(readable):
    app = open_shell(like="0" * 64)
    assert not app.exception
    assert "Upload it again" in app.error[0].value


def test_products_are_shown_while_the_database_cannot_be_read(tiny, monkeypatch):
    monkeypatch.setenv("LONGTAIL_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    app = open_shell()
    assert not app.exception
    assert len(shown_ids(app)) == 24
