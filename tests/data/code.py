"""A piece of well-formed code in each language, with what is hard to cut into words there."""

SAMPLES = {
    "python": r'''
@decorate(1)
async def f(a: int, *b, c=0x1F, **d) -> None:  # comment
    """Text."""
    while a <= 1.5e3 and not c:
        x, y = r"\d", b'\n' if a is not None else [...]
        match a:
            case {"k": _}: yield x @ y
    return await g(lambda z: z ** -1j, True)
''',
    "java": r'''
package a.b;
import static java.util.Map.*; // all of it
/** Text. */
@Deprecated(since = "1")
public non-sealed class A<T extends Comparable<? super T>> implements B<int[]> {
  static final long X = 0xFFL + 1_000 + 0b1 + 017; double d = 1.5e3f, h = 0x1p3;
  @interface Z { int v() default 3; }
  <U> void f(final int a, String... s) throws E {
    char c = '\n', q = '"'; String t = """
      text "x" \t
      """ + "a\tb" + s[0];
    var l = new ArrayList<Map<String, U>>(); List<U> m = new ArrayList<>();
    for (int i = 0; i < 3 && i > -1; i++) { if (t == null || !true) continue; }
    this.d >>>= 1; super.f(a); Function<T, U> g = x -> x, k = A::new;
    boolean z = o instanceof Point(int x, byte _); int record = 1;
    switch (o) { case Foo p when p.x > 1 -> { yield 1; } default -> throw new E(); }
  }
  record P(short x, float y) {}
  enum K { ONE, TWO; }
}
''',
    "c": r"""
#include <stdio.h>
#include "x.h"
# define MAX(a, b) ((a) > (b) ? (a) : (b)) // comment
#define CAT(x, y) x##y
#define STR(x) #x " # " /* here */
#define LOOP(n) do { \
    f(n); } while (0)
#define WIDE unsigned long
#if defined(MAX) && MAX(1, 2) >= 2L
#elif 0
#else
#error "no"
#endif
#pragma once
/* block */
typedef struct s { int a : 3; unsigned long long b; float *p; void (*call)(int, ...); } s_t;
static const char *text = "a\n" "b" L"c", c = '\'', d = u8'x';
enum { RED, GREEN = 0x1F };
size_t f(int argc, char **argv) {
  if (argc <= 1U && !argv[0]) goto end;
  p->a = x.b * 1.5e-3f << 2; int *q = NULL; uint8_t z = (uint8_t) 0xFF; bool t = true;
  for (;;) { switch (z) { case 'a': break; default: z ^= ~z % 3; } }
end:
  return sizeof(int) ? a : b;
}
__attribute__((noreturn)) void g(void) { asm volatile("nop"); }
""",
    "cpp": r"""
#include <vector>
#define ADD(a) a + 1 // comment
template <typename T, class... A> requires C<T>
class Foo final : public Bar, private ns::Baz<int> {
public:
  explicit Foo(int a) noexcept : x_{a}, y_(1) {}
  virtual ~Foo() = 0; virtual void f() const override = 0; Foo(const Foo&) = delete;
  bool operator<(const Foo& o) const { return this->x_ < o.x_ and not false; }
  void operator()(int) const &;
};
auto s = R"x(raw " )" )x", t = "a"s; auto m = 10ms + 1'000 + 0b11; char c = u8'x'; auto w = L"b";
std::vector<std::pair<int, T>> v{{1, 2}};
auto l = [=, &x](auto&& y) mutable -> decltype(y) { return co_await y <=> nullptr; };
long double operator""_km(long double d);
namespace a::b { enum class E : unsigned char { A, B = 2 }; using U = unsigned int; }
int main() {
  try { throw 1; } catch (...) { delete[] p; new int[3]; static_cast<int>(x); }
  for (auto& [k, n] : m) { if (k >> 1 > 2) break; }
  return (args + ...);
}
static_assert(sizeof(int) == 4, "x");
""",
    "javascript": r"""
'use strict'; // comment
import a, { b as c } from "./x.js"; /* block */
export default class K extends L {
  #p = 1; static get q() { return this.#p; } async *g() { yield* super.g(); } static { f(); }
}
const re = /a[/]b\/c/gi.test(s), t = `a${x + `n${y}`} \n b`, u = `plain`, v = 0xFFn ?? undefined;
let {x, y: [z, ...w], k = 1} = o?.p?.[0] ?? null;
outer: for (const i of xs) { if (i === 1 && i !== 2.5e3) continue outer; else while (!i) i--; }
var f = async (a = 1, ...b) => { await a; return new.target; }; x ||= y ** 2; x >>>= 1;
const el = <div className="a" {...p} onClick={() => 1}>
  Some text &amp; <b.C d="1"/> <></>
</div>;
tag`t${1}`; import("z"); typeof x; delete y.z; void 0; @dec class M {}
a = b ? c : d; a < b > c; of = get;
""",
    "go": r"""
// Package main.
package main
import ( "fmt"; . "x"; _ "y"; z "w" )
type T[K comparable, V int | ~string] struct { A, B int `json:"a"` }
type I interface { M(x ...int) (r map[string]chan<- int, err error) }
const (
	X = iota
	Y
	Z = 1.5e3 + 2i + 0x1F + 'a' + '\n'
)
var s, r = "a\tb", `raw
 text` /* block */
func (t *T[K, V]) f(a []int, f func(int) bool) (int, error) {
outer:
	for i, _ := range a { if i &^= 1; i <= 3 && !true { continue outer } }
	go t.g(<-c)
	defer func() {}()
	switch v := x.(type) { case string: fallthrough; default: return nil, T[int, string]{A: 1}.B }
	select { case c <- 1: i++; default: goto outer }
	a = append(a[1:2], b...)
	return &x == *y, new(int)
}
""",
    "rust": r"""
#![allow(dead_code)]
//! Inner.
/// Outer.
/* block /* nested */ */
use std::{fmt::*, self as me}; use crate::a::B as C; use super::x;
#[derive(Debug, Clone)]
pub(crate) struct S<'a, T: 'a + Clone, const N: usize> where T: Send { x: &'a mut [u8; N], y: Box<dyn Fn(i32) -> T> }
impl<'a, T> Tr for S<'a, T> {
    type O = !;
    fn f(&mut self, n: u64) -> Result<(), E> {
        let mut v = vec![1, 2u8, 0xFF_u8];
        'outer: loop { break 'outer; }
        self.x[0] = b'a'; t.0 = <T as Tr>::f::<u8>()?; Ok(())
    }
}
macro_rules! m { ($x:expr, $($y:ident),*) => { $x + 1; foo!($($y);*) }; }
const R: &str = r#"raw "x""#; static B: &[u8] = b"by\n";
unsafe fn g<T>(x: i32) -> impl Fn() {
    match x { 0..=9 | -1 => {}, n @ 10.. if n < 3 && n > 2 => return, _ => () }
    let c = |a: i32, b| a << b; let e = '\u{e9}'; let f = 1.5e3f64; let r#type = true;
    println!("{} {x}", (a as u8) < b, 'c'); async move { y.await }
}
""",
}
COMMENTS = dict.fromkeys(SAMPLES, "//") | {"python": "#"}
