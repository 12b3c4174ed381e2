import { describe, expect, it } from "vitest";
import { type Hit, about, numbers, points, readHits, snippet, spoken } from "../../src/search/hits";

const RAW = {
  root: "/work/shop",
  path: "shop/cart.py",
  language: "python",
  kind: "function",
  name: "Cart.total",
  start: 4,
  end: 7,
  text: "def total(self):\n    # all\n    return 1\n",
  score: 0.03,
  parts: { lexical: 0.012, dense: 0.018 },
};

function hit(part: Partial<Hit> = {}): Hit {
  const [read] = readHits({ results: [RAW] });
  if (!read) throw new Error("The result was not read.");
  return { ...read, ...part };
}

describe("readHits", () => {
  it("counts lines from 1, and puts the strongest ranking first", () => {
    expect(hit()).toMatchObject({
      path: "shop/cart.py",
      firstLine: 5,
      lastLine: 7,
      parts: [
        { name: "dense", score: 0.018 },
        { name: "lexical", score: 0.012 },
      ],
    });
  });

  it("takes nothing for granted", () => {
    for (const none of [null, {}, { results: 3 }, { results: [null, 1, { path: 4 }] }]) {
      expect(readHits(none)).toEqual([]);
    }
    expect(readHits({ results: [{ path: "a", start: 3, end: 0, parts: [] }] })).toMatchObject([
      { firstLine: 4, lastLine: 4, text: "", parts: [] },
    ]);
  });
});

describe("a result", () => {
  it("is spoken of by its path, its lines and its name", () => {
    expect(spoken(hit())).toBe("shop/cart.py, lines 5 to 7, function Cart.total");
    expect(spoken(hit({ lastLine: 5, name: "" }))).toBe("shop/cart.py, line 5");
  });

  it("shows its first lines without their common margin", () => {
    expect(snippet("\n\n    def f():\n\treturn 1\n\n", "")).toBe("def f():\nreturn 1");
    expect(snippet("    a\n\n      b\n", "x")).toBe("a\n\n  b");
    expect(snippet("1\n2\n3\n4\n5\n6", "")).toBe("1\n2\n3\n4\n5");
    expect(snippet(" \n\n", "a")).toBe("");
  });

  it("shows the lines that hold the most words of the query instead, the first of equals", () => {
    const lines = "a\nCart\nc\nd\ne\nf\ncart_total\nh\ntax\nj\nk\ntotal tax";
    expect(snippet(lines, "total tax")).toBe("cart_total\nh\ntax\nj\nk");
    expect(snippet(lines, "CART")).toBe("Cart\nc\nd\ne\nf");
    expect(snippet(lines, "(.*")).toBe("a\nCart\nc\nd\ne");
  });

  it("has numbers where its text is the file's, and says so where it is not", () => {
    expect(numbers(hit())).toBe("5\n6\n7");
    expect(about(hit())).toBe("Lines 5–7: function Cart.total, python.");
    const skeleton = hit({ kind: "class", name: "Cart", lastLine: 40 });
    expect(numbers(skeleton)).toBeNull();
    expect(about(skeleton)).toBe("Lines 5–40: class Cart, python. The bodies of its methods are left out.");
    expect(about(hit({ name: "", kind: "lines", language: "" }))).toBe("Lines 5–7: lines.");
  });

  it("shows small scores apart", () => {
    expect(points(1 / 61)).toBe("0.0164");
    expect(points(1 / 62)).toBe("0.0161");
  });
});
