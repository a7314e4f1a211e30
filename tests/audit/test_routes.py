from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit.routes import unguarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

FASTAPI = """
app = FastAPI()
@app.get("/items")
def items(user: User = Depends(current_user)): return all_of(user)
@app.post("/items")
def add(item: Item, user: Annotated[User, Depends(current_user)]): return store(item)
@app.delete("/items/{number}", dependencies=[Depends(require_admin)])
def drop(number: int): return gone(number)
"""
FLASK = """
shop = Blueprint("shop", __name__)
@shop.get("/items")
@login_required
def items(): return jsonify(load())
@shop.route("/items", methods=["POST"])
@login_required
def add(): return jsonify(store(request.json))
@shop.route("/items/<number>", methods=["DELETE"])
@roles_accepted("admin")
def drop(number): return jsonify(gone(number))
"""
OPEN_FASTAPI = (
    '@app.put("/prices/{number}")\nasync def reprice(number: int, price: Price): return change(number, price)\n'
)
OPEN_FLASK = '@shop.route("/prices/<number>", methods=["PUT"])\ndef reprice(number): return jsonify(change(number))\n'


PLAIN = """
app = Flask(__name__)
def caller():
    return people.get(request.headers.get("X-Api-Key"))
@app.get("/orders")
def orders():
    if caller() is None: return no()
    return jsonify(load())
@app.post("/orders")
def order():
    who = caller()
    return jsonify(store(who))
@app.get("/orders/<number>")
def one(number):
    return jsonify(load(caller(), number))
"""
OPEN_BELOW = '@app.get("/orders/<number>/slip")\ndef slip(number): return jsonify(load(number))\n'


def test_one_that_reads_below_a_checked_path_is_told(source: Callable[..., Target]) -> None:
    looked = unguarded(
        source({"app.py": PLAIN + OPEN_BELOW + '@app.get("/news")\ndef news(): return jsonify(load())\n'})
    )
    assert [one.detail.partition(" ")[0] for one in looked.seen] == ["`slip`"]


ALIAS = (
    FASTAPI.replace("user: User = Depends(current_user)", "user: Caller").replace(
        "user: Annotated[User, Depends(current_user)]", "user: Caller"
    )
    + "Caller = Annotated[User, Depends(current_user)]\n"
)


@pytest.mark.parametrize("text", [FASTAPI + OPEN_FASTAPI, ALIAS + OPEN_FASTAPI, FLASK + OPEN_FLASK])
def test_the_one_without_a_check_is_told(source: Callable[..., Target], text: str) -> None:
    looked = unguarded(source({"app.py": text}))
    assert looked.at == 4
    assert [one.place.line for one in looked.seen] == [text.count("\n")]
    assert "reprice" in looked.seen[0].detail


@pytest.mark.parametrize(
    "text",
    [
        FASTAPI,
        FLASK,
        FASTAPI + '@app.post("/login")\ndef login(form: Form): return enter(form)\n',
        FASTAPI + '@app.get("/prices")\ndef prices(): return load()\n',
        FASTAPI + '@app.post("/hooks/payments")\ndef paid(event: Event): return book(event)\n',
        FASTAPI + '@app.put("/prices")\ndef reprice(request: Request): check_signature(request)\n',
        FASTAPI + '@other.put("/prices")\ndef reprice(price: Price): return change(price)\n',
        FASTAPI.replace("FastAPI()", "FastAPI(dependencies=[Depends(current_user)])") + OPEN_FASTAPI,
        FASTAPI + OPEN_FASTAPI + "app.add_middleware(AuthenticationMiddleware, backend=Backend())\n",
        FASTAPI.replace("Depends(current_user)", "Depends(get_db)") + OPEN_FASTAPI,
        FASTAPI.replace("Depends(current_user)", "Depends(get_user_service)") + OPEN_FASTAPI,
        FLASK.replace("@login_required\n", "") + OPEN_FLASK,
        FLASK + OPEN_FLASK + "@shop.before_request\ndef check():\n    if not session.get('user'): abort(401)\n",
    ],
)
def test_what_is_open_on_purpose_or_closed_elsewhere_is_left(source: Callable[..., Target], text: str) -> None:
    assert unguarded(source({"app.py": text})).seen == ()
