"""Why a product stands where it does: facts from the data at hand, and the ranks it would have without a part of them."""
