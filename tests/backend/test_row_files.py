"""Rows of files from outside: what is read as meant, what is told with its line, what is refused unopened."""

import io
import tracemalloc
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

from backend import workbooks
from backend.row_files import BrokenRow, Column, Row, UnreadableFile, read_rows

COLUMNS = [
    Column("staff_no", ("工号",)),
    Column("name", ("姓名",)),
    Column("joined", ("入职日期",)),
    Column("left", ("离职日期",), required=False),
]
NO_LEFT = {"left": ""}


def rows(data: bytes, columns=COLUMNS, **limits):
    return list(read_rows(io.BytesIO(data), columns, **limits))


def workbook(*lines, change=lambda sheet: None) -> bytes:
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    change(book.active)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rewritten(data: bytes, parts: dict[str, bytes]) -> bytes:
    """The archive with some of its parts replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {**dict.fromkeys(old.namelist()), **parts}:
            new.writestr(name, parts.get(name) or old.read(name))
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_same_table_in_every_encoding(encoding):
    text = '工号,NAME,入职日期\r\n00123,联通,2026-01-05\r\n\r\n"a""1", 张三　,"x,y"\r\n\'=7,𠮷,2026\n'
    assert rows(text.encode(encoding)) == [
        Row(2, {"staff_no": "00123", "name": "联通", "joined": "2026-01-05", **NO_LEFT}),
        Row(4, {"staff_no": 'a"1', "name": "张三", "joined": "x,y", **NO_LEFT}),
        Row(5, {"staff_no": "=7", "name": "𠮷", "joined": "2026", **NO_LEFT}),
    ]


def test_a_broken_row_is_told_with_its_line_and_the_rest_goes_on():
    head = "staff_no,name,joined\n张,三,1\n李,四,2\n".encode()
    bad = [
        b'1,"open,2\n',
        b"1,a\0b,2\n",
        b"1,2\n",
        b"1,2,3,4\n",
        b"1,\xff\xfe,2\n",
        "1,a\u200bb,2\n".encode(),
        b"1," + b"x" * 1001 + b",2\n",
        b"1," + b"y" * 70_000 + b",2\n",
        b"1,a\rb,2\n",
        b'1,"a"b,2\n',
    ]
    found = rows(head + b"".join(bad) + b"9,last,3")
    assert [type(row) for row in found] == [Row, Row, *[BrokenRow] * len(bad), Row]
    assert [row.line for row in found] == [*range(2, 4 + len(bad)), 4 + len(bad)]
    reasons = [row.reason for row in found[2:-1]]
    said = ["quotes", "U+0000", "only 2", "4 cells", "UTF-8", "U+200B", "1000", "65536", "quotes", "quotes"]
    assert all(part in reason for part, reason in zip(said, reasons, strict=True))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"staff_no,name\n", "missing columns: joined"),
        (b"staff_no,name,joined,salary\n", 'unknown columns "salary"'),
        ("staff_no,工号,name,joined\n".encode(), "more than once: staff_no"),
        (b"staff_no;name;joined\n", "unknown columns"),
        (b'staff_no,"name\n', "the header"),
        (b"staff_no,name,\x1b[31mred\n", "?[31mred"),
        ("staff_no,name,joined\n".encode("utf-16"), "UTF-16"),
        (b"\xd0\xcf\x11\xe0rest", ".xls"),
        (b"PK\x03\x04 nothing else", "not an XLSX workbook"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data, says):
    with pytest.raises(UnreadableFile) as refused:
        rows(data)
    assert says in str(refused.value)


def test_a_file_that_is_too_large_or_too_long_is_refused():
    with pytest.raises(UnreadableFile, match="bytes"):
        rows(b"staff_no,name,joined\n" + b" " * 2**25)
    with pytest.raises(UnreadableFile, match="more than 2 rows"):
        rows(b"staff_no,name,joined\n1,2,3\n\n1,2,3\n1,2,3\n", max_rows=2)


def test_cells_of_a_workbook_are_texts_as_they_are_meant():
    def change(sheet):
        sheet["A4"].number_format = "00000"
        sheet["A9"] = "=1+1"

    data = workbook(
        ["工号", "姓名", "入职日期", "left"],
        ["00123", "张三", date(2026, 1, 5), datetime(2026, 6, 30)],
        [123.0, True, 1.5, datetime(2026, 6, 30, 8, 30)],
        [123, 0.1, 1e-7, 10**14],
        [],
        ["short", "x", "y"],
        [12345678901234567, "x", "y"],
        ["#N/A", "x", "y"],
        ["formula", "x", "y"],
        ["1", "x", "y", "", "beyond"],
        ["1", "x\ny", "y"],
        change=change,
    )
    read = rows(data)
    assert [tuple(row.cells.values()) for row in read[:4]] == [
        ("00123", "张三", "2026-01-05", "2026-06-30"),
        ("123", "TRUE", "1.5", "2026-06-30T08:30:00"),
        ("00123", "0.1", "0.0000001", "100000000000000"),
        ("short", "x", "y", ""),
    ]
    assert [(row.line, row.reason.partition(":")[2].split()[:4]) for row in read[4:]] == [
        (7, ["holds", "a", "number", "of"]),
        (8, ["holds", "an", "error", "(#N/A)"]),
        (9, ["holds", "a", "formula:", "paste"]),
        (10, []),
        (11, ["holds", "the", "character", "U+000A,"]),
    ]


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
SHEET_NAME = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"xl/more.bin": b"\0" * 10_000_000}, "unpacks to"),
        ({f"xl/{n}.bin": b"x" for n in range(1100)}, "entries"),
        ({SHEET_NAME: b'<!DOCTYPE a [<!ENTITY b "c">]>' + SHEET % b""}, "document type"),
        ({SHEET_NAME: SHEET % (b'<row r="1">' + b"<c/>" * 2000 + b"</row>")}, "larger or deeper"),
        ({SHEET_NAME: SHEET % (b"<a>" * 100 + b"</a>" * 100)}, "larger or deeper"),
        ({"xl/styles.xml": b"<styleSheet>" + b"<a/>" * 100_001 + b"</styleSheet>"}, "larger or deeper"),
        ({SHEET_NAME: SHEET % b'<row r="9999999999"><c r="A9999999999"><v>1</v></c></row>'}, "more than 1048576 rows"),
        ({SHEET_NAME: SHEET % b'<row r="1"><c t="s"><v>99</v></c></row>'}, "damaged near row 1"),
        ({"[Content_Types].xml": b"<a/>"}, "not an XLSX workbook"),
    ],
)
def test_bombs_and_damage_in_a_workbook_are_refused(parts, says):
    good = workbook(["staff_no", "name", "joined"])
    with pytest.raises(UnreadableFile) as refused:
        rows(rewritten(good, parts))
    assert says in str(refused.value)


def test_an_archive_that_lies_about_its_sizes_is_refused():
    data = bytearray(rewritten(workbook(["staff_no", "name", "joined"]), {"xl/more.bin": b"\0" * 1_000_000}))
    central = data.rindex(b"xl/more.bin") - 46
    data[central + 24 : central + 28] = (100).to_bytes(4, "little")
    with pytest.raises(UnreadableFile):
        rows(bytes(data))


def test_what_an_archive_unpacks_to_is_bounded(monkeypatch):
    data = workbook(["staff_no", "name", "joined"])
    assert rows(data) == []
    monkeypatch.setattr(workbooks, "MAX_UNPACKED_BYTES", 1_000)
    with pytest.raises(UnreadableFile, match="unpacks to"):
        rows(data)


def test_memory_does_not_grow_with_a_csv_file():
    def peak(count: int) -> int:
        data = b"staff_no,name,joined\n" + b"".join(b"%d,name %d,2026-01-01\n" % (n, n) for n in range(count))
        file = io.BytesIO(data)
        tracemalloc.start()
        assert sum(1 for _ in read_rows(file, COLUMNS)) == count
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(4_000) < peak(500) + 50_000
