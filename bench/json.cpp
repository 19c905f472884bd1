// Strict I-JSON and C14N-1 beside the stock parser and serializer, on a push of 1,000 messages.

#include "world.hpp"

#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace {

using namespace bsp;

json::value const& sample() {
    static json::value const value = json::array{bench::conversation("main", bench::messages(1'000, "m"))};
    return value;
}
std::string const& text() {
    static std::string const text = boost::json::serialize(sample());
    return text;
}

void octets(benchmark::State& state) { state.SetBytesProcessed(static_cast<std::int64_t>(text().size()) * state.iterations()); }

void json_serialize_stock(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(boost::json::serialize(sample()));
    octets(state);
}
void json_canonicalize(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(json::canonicalize(sample()));
    octets(state);
}
void json_parse_stock(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(boost::json::parse(text()));
    octets(state);
}
void json_parse_strict(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(json::parse(text()));
    octets(state);
}

BENCHMARK(json_serialize_stock);
BENCHMARK(json_canonicalize);
BENCHMARK(json_parse_stock);
BENCHMARK(json_parse_strict);

}  // namespace
