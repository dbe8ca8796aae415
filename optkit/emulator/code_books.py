"""Repeated values as codes: what an entry says of a phone or a campaign is written once."""

import json

import numpy as np
import numpy.typing as npt
import polars as pl

Codes = npt.NDArray[np.int32]


class CodeBook:
    """Distinct rows of some columns, numbered as they come.

    Attributes
    ----------
    values : polars.DataFrame
        The rows; a row's code is its place.
    """

    def __init__(self, schema: pl.Schema) -> None:
        self.values = pl.DataFrame(schema=schema)

    def codes(self, frame: pl.DataFrame) -> Codes:
        """Return the codes of the rows of `frame`; those not known yet are added."""
        if frame.is_empty():
            return np.empty(0, np.int32)  # many accounts have no messages: skip the joins
        names = self.values.columns
        rows = frame.select(names)
        new = rows.unique(maintain_order=True).join(
            self.values, on=names, how="anti", nulls_equal=True, maintain_order="left"
        )
        self.values = pl.concat([self.values, new])
        known = self.values.lazy().with_row_index("code")
        coded = rows.lazy().join(known, on=names, how="left", nulls_equal=True, maintain_order="left")
        return coded.select(pl.col("code").cast(pl.Int32)).collect()["code"].to_numpy()


class Phones:
    """Phone numbers as codes, with the JSON text that entries hold."""

    def __init__(self) -> None:
        self._known = CodeBook(pl.Schema({"phone": pl.String()}))
        #: the JSON text of each code, in fixed width: a page is written from slices of plain memory
        self.texts: npt.NDArray[np.bytes_] = np.empty(0, dtype="S1")

    def codes(self, phones: pl.Series) -> Codes:
        """Return the codes of `phones`; those not known yet are added."""
        before = self._known.values.height
        codes = self._known.codes(phones.alias("phone").to_frame())
        new = self._known.values["phone"][before:]
        if len(new):
            added = np.array(json_texts(new).cast(pl.Binary).to_list(), dtype=np.bytes_)
            self.texts = np.concatenate((self.texts, added))
        return codes

    def code(self, phone: str) -> int:
        """Return the code of `phone`, -1 if it is not known."""
        place = self._known.values["phone"].index_of(phone)
        return -1 if place is None else place


def json_texts(texts: pl.Series) -> pl.Series:
    """Return texts as JSON writes them; null is ``null``."""
    quoted = '"' + texts + '"'
    odd = texts.str.contains(r'["\\\x00-\x1f]').fill_null(value=False)
    if odd.any():
        escaped = [json.dumps(text, ensure_ascii=False) for text in texts.filter(odd)]
        quoted = quoted.scatter(odd.arg_true(), escaped)
    return quoted.fill_null("null")
