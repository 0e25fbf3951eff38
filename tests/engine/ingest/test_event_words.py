from __future__ import annotations

import pytest

from engine.catalogue.taken_back import TAKEN_BACK
from engine.core.settings import InteractionSettings
from engine.ingest.event_words import _vocabulary, are_states, is_void, kind_of, plain_word


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        # GA4
        ("view_item", "view"),
        ("view_item_list", "list_view"),
        ("select_item", "click"),
        ("add_to_cart", "cart"),
        ("begin_checkout", "checkout"),
        ("add_payment_info", "checkout"),
        ("purchase", "purchase"),
        ("remove_from_cart", "remove_from_cart"),
        ("refund", "refund"),
        ("add_to_wishlist", "wishlist"),
        # Segment
        ("Product Viewed", "view"),
        ("Product List Viewed", "list_view"),
        ("Product Clicked", "click"),
        ("Product Added", "cart"),
        ("Product Removed", "remove_from_cart"),
        ("Checkout Started", "checkout"),
        ("Order Completed", "purchase"),
        ("Order Refunded", "refund"),
        ("Order Cancelled", "refund"),
        ("Product Added to Wishlist", "wishlist"),
        ("Product Shared", "share"),
        ("Product Reviewed", "rating"),
        # Shopify, Magento, RetailRocket, REES46, Taobao
        ("product_added_to_cart", "cart"),
        ("checkout_completed", "purchase"),
        ("paid", "purchase"),
        ("voided", "refund"),
        ("catalog_product_view", "view"),
        ("checkout_cart_add_product", "cart"),
        ("sales_order_place_after", "purchase"),
        ("addtocart", "cart"),
        ("transaction", "purchase"),
        ("pv", "view"),
        # Other languages
        ("In den Warenkorb", "cart"),
        ("Zur Wunschliste hinzugefügt", "wishlist"),
        ("Storniert", "refund"),
        ("Ajouté au panier", "cart"),
        ("Añadido al carrito", "cart"),
        ("Aggiunto al carrello", "cart"),
        ("Toegevoegd aan winkelwagen", "cart"),
        # Spellings that no list has
        ("productAdded", "cart"),
        ("PRODUCT-VIEWED", "view"),
        ("un-liked", "remove_from_wishlist"),
        ("thumbs down", "dislike"),
        ("Item returned by customer", "refund"),
        ("wink", None),
        ("undefined", None),
        ("unknown", None),
    ],
)
def test_words_of_common_vocabularies_have_a_kind(word: str, kind: str | None) -> None:
    assert kind_of(word) == kind


def test_every_kind_of_the_vocabulary_has_a_weight_or_takes_back() -> None:
    assert set(_vocabulary()["kinds"]) == {*InteractionSettings().event_weights, *TAKEN_BACK} - {"void"}
    assert set(_vocabulary()["patterns"]) <= set(_vocabulary()["kinds"])


def test_weights_rise_from_a_list_to_a_purchase() -> None:
    weights = InteractionSettings().event_weights
    steps = [weights[kind] for kind in ("list_view", "view", "click", "wishlist", "cart", "checkout", "purchase")]
    assert steps == sorted(set(steps))


def test_the_vocabulary_is_written_plainly_and_no_word_stands_twice() -> None:
    for table in ("kinds", "states"):
        words = [word for words in _vocabulary()[table].values() for word in words]
        assert words == [plain_word(word) for word in words]
        assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("words", "states"),
    [
        (["completed", "refunded", "wc-cancelled"], True),
        (["paid", "pending", "partially_refunded"], True),
        (["complete", "closed", "canceled", "holded"], True),
        (["view", "refunded"], False),
        (["purchase", "refund"], False),
        (["refunded"], False),
    ],
)
def test_a_column_of_states_is_told_from_one_of_events(words: list[str], states: bool) -> None:
    assert are_states(words) is states


def test_orders_that_were_refunded_voided_or_cancelled_are_void() -> None:
    assert all(map(is_void, ("refunded", "Voided", "cancelled", "wc-failed", "Storniert", "remboursée")))
    assert not any(map(is_void, ("paid", "partially_refunded", "on-hold", "pending", "whatever")))
