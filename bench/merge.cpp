// The join of 1,000 messages with 1,000 that are held.

#include "world.hpp"

#include <bsp/endpoint/join_into.hpp>

namespace {

using namespace bsp;

std::vector<merge::message> decoded(std::int64_t version) {
    std::vector<merge::message> all;
    for (int i = 0; i < 1'000; ++i) {
        json::object const m = bench::message("m" + std::to_string(i), version);
        all.push_back(wire::decode_message(json::fields{m}, {1'767'139'200, 0}).value());
    }
    return all;
}

void merge_1000_messages(benchmark::State& state) {
    auto const held = decoded(1), pushed = decoded(2);
    instant const received{1'767'139'200, 0};
    for (auto _ : state) {
        std::vector<wire::conflict> conflicts;
        benchmark::DoNotOptimize(endpoint::detail::join_messages("main", pushed, held, received, conflicts));
    }
    state.SetItemsProcessed(1'000 * state.iterations());
}
BENCHMARK(merge_1000_messages);

}  // namespace
