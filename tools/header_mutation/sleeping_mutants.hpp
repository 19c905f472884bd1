#pragma once

// What the headers with sleeping mutants in them use. BSP_MUTANT is the number of the one that is awake;
// BSP_MUTANTS_REACHED, a file, is told at the end which ones a run came by.

#include <cstdlib>
#include <fstream>
#include <type_traits>

namespace bsp_mutant {

inline constexpr int most = 20000;
inline int const awake = std::getenv("BSP_MUTANT") ? std::atoi(std::getenv("BSP_MUTANT")) : -1;

struct reached_book {
    volatile bool reached[most] = {};
    ~reached_book() {
        if (char const* file = std::getenv("BSP_MUTANTS_REACHED")) {
            std::ofstream out{file};
            for (int n = 0; n < most; ++n)
                if (reached[n]) out << n << '\n';
        }
    }
};
inline reached_book book;

/// Whether mutant `n` is awake. What the compiler evaluates is never changed.
constexpr bool on(int n) {
    if (std::is_constant_evaluated()) return false;
    book.reached[n] = true;
    return n == awake;
}

template <class A, int N, class Tag>
struct half {
    A const& a;
};

#define BSP_MUTANT_COMPARISON(name, op, other)                                                                       \
    template <int N>                                                                                                 \
    struct name {};                                                                                                  \
    template <class A, int N>                                                                                        \
    constexpr half<A, N, name<0>> operator op(A const& a, name<N>) { return {a}; }                                   \
    template <class A, int N, class B>                                                                               \
    constexpr bool operator op(half<A, N, name<0>> l, B const& b) { return on(N) ? l.a other b : l.a op b; }
BSP_MUTANT_COMPARISON(less, <, <=)
BSP_MUTANT_COMPARISON(less_equal, <=, <)
BSP_MUTANT_COMPARISON(greater, >, >=)
BSP_MUTANT_COMPARISON(greater_equal, >=, >)
BSP_MUTANT_COMPARISON(equal, ==, !=)
BSP_MUTANT_COMPARISON(unequal, !=, ==)
#undef BSP_MUTANT_COMPARISON

template <int N>
struct negation {};
template <int N, class T>
constexpr bool operator%(negation<N>, T const& t) { return on(N) ? static_cast<bool>(t) : !static_cast<bool>(t); }

template <int N, class T>
constexpr T max(T const& a, T const& b) { return (a < b) != on(N) ? b : a; }
template <int N, class T>
constexpr T min(T const& a, T const& b) { return (b < a) != on(N) ? b : a; }

}  // namespace bsp_mutant
