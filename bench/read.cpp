// Pulls and reads on SQLite: a pull costs what changed, a read costs what is there.

#include "world.hpp"

#include <algorithm>
#include <map>

namespace {

using namespace bsp;
using bench::kind;

/// A world of so many conversations, and where its change feed ended when the last of them changed.
struct changed_world {
    bench::world w{kind::sqlite};
    std::string since;

    explicit changed_world(std::int64_t conversations) {
        for (std::int64_t done = 0; done < conversations; done += 1'000) {
            json::array some;
            for (std::int64_t i = done; i < std::min(conversations, done + 1'000); ++i)
                some.push_back(bench::conversation("c" + std::to_string(i), bench::messages(3, "m")));
            w.accepted(w.send(w.push(std::move(some))));
        }
        since = json::parse(w.accepted(w.send(w.pull("?limit=1"))).body).value().at("last_sync").as_string();
        w.accepted(w.send(w.push({bench::conversation("c5", {bench::message("m1", 2)}, 2)})));
    }
};

void pull_one_changed_of(benchmark::State& state) {
    static std::map<std::int64_t, std::unique_ptr<changed_world>> worlds;  // filled once, for all repetitions
    auto& changed = worlds[state.range(0)];
    if (!changed) changed = std::make_unique<changed_world>(state.range(0));
    auto& w = changed->w;
    bench::measure(
        state, [&] { return w.pull("?since=" + changed->since); },
        [&](http_request const& pull) { benchmark::DoNotOptimize(bench::world::accepted(w.send(pull))); });
}
BENCHMARK(pull_one_changed_of)->Arg(10)->Arg(10'000)->UseManualTime()->Unit(benchmark::kMicrosecond);

void read_conversation_of(benchmark::State& state) {
    static std::map<std::int64_t, std::unique_ptr<bench::world>> worlds;
    auto& w = worlds[state.range(0)];
    if (!w) {
        w = std::make_unique<bench::world>(kind::sqlite);
        w->fill("main", static_cast<std::size_t>(state.range(0)));
    }
    bench::measure(
        state, [&] { return w->read("main"); },
        [&](http_request const& read) { benchmark::DoNotOptimize(bench::world::accepted(w->send(read))); });
    state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(read_conversation_of)->Arg(100)->Arg(1'000)->Arg(10'000)->Arg(100'000)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
