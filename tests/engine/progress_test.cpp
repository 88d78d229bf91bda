// SPDX-License-Identifier: MIT
#include "engine/progress.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/engine/files.hpp"

namespace hci {
namespace {

/// What a run with two stages writes.
std::string written(ProgressStyle style) {
  const test::TemporaryFolder folder;
  std::FILE* stream = std::fopen((folder / "log").c_str(), "w");
  {
    Progress progress(style, stream);
    progress.stage("read");
    progress.stage("reduce \"x\"", 4);
    for (int i = 0; i < 4; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      progress.advance();
    }
    progress.finish();
    EXPECT_EQ(progress.times().size(), 2U);
    EXPECT_EQ(progress.times()[1].first, "reduce \"x\"");
    EXPECT_GE(progress.times()[1].second, 0.12);
  }
  std::fclose(stream);
  return test::read_bytes(folder / "log");
}

TEST(Progress, IsPlainLinesWhereThereIsNoTerminal) {
  const std::string text = written(ProgressStyle::automatic);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\033'), std::string::npos);
  test::expect_parts(text, {"read: 0.0", "reduce \"x\": 0.1"});
}

TEST(Progress, IsABarOnATerminal) {
  const std::string text = written(ProgressStyle::bar);
  test::expect_parts(text, {"\r", "[", "#", "100 %", "frames/s", "left"});
}

TEST(Progress, IsOneJsonObjectALine) {
  std::istringstream lines(written(ProgressStyle::json));
  std::vector<std::string> events;
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    events.push_back(json["event"].get<std::string>() + " " + json["stage"].get<std::string>());
    if (json["event"] == "progress") {
      EXPECT_EQ(json["total"], 4);
    }
  }
  ASSERT_GE(events.size(), 5U);
  EXPECT_EQ(events.front(), "begin read");
  EXPECT_EQ(events[1], "end read");
  EXPECT_EQ(events[2], "begin reduce \"x\"");
  EXPECT_EQ(events.back(), "end reduce \"x\"");
}

TEST(Progress, TakesTheNumberOfItemsLater) {
  const test::TemporaryFolder folder;
  std::FILE* stream = std::fopen((folder / "log").c_str(), "w");
  Progress progress(ProgressStyle::bar, stream);
  progress.stage("snr_map");
  progress.expect(40, "px");
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  progress.advance(10);
  progress.finish();
  std::fclose(stream);
  test::expect_parts(test::read_bytes(folder / "log"), {"snr map", " 25 %", "px/s", " left"});
  EXPECT_EQ(progress.times()[0].first, "snr_map");
}

// Two stages in each of three channels: people get two lines in the end, programs all of them.
TEST(Progress, SumsUpRounds) {
  for (const ProgressStyle style : {ProgressStyle::lines, ProgressStyle::bar, ProgressStyle::json}) {
    const test::TemporaryFolder folder;
    std::FILE* stream = std::fopen((folder / "log").c_str(), "w");
    Progress progress(style, stream);
    progress.stage("load");
    for (index_t channel = 0; channel < 3; ++channel) {
      progress.round(channel, 3, "channel");
      progress.stage("subtract", 10, "px");
      std::this_thread::sleep_for(std::chrono::milliseconds(110));
      progress.advance(10);
      progress.stage("derotate_collapse");
    }
    progress.round(3, 3, "channel");
    progress.stage("write");
    progress.finish();
    std::fclose(stream);
    EXPECT_EQ(progress.times().size(), 8U);
    const std::string text = test::read_bytes(folder / "log");
    const auto lines = std::count(text.begin(), text.end(), '\n');
    if (style == ProgressStyle::lines) {
      EXPECT_EQ(lines, 4) << text;
      test::expect_parts(text, {"load: ", "subtract: 0.3", "derotate collapse: 0.0", "write: "});
    } else if (style == ProgressStyle::bar) {
      EXPECT_EQ(lines, 4) << text;
      test::expect_parts(text, {"subtract, channel 2 of 3", "100 %"});
    } else {
      EXPECT_EQ(text.find("channel"), std::string::npos);
    }
  }
}

TEST(Progress, IsSilentWhenQuiet) { EXPECT_EQ(written(ProgressStyle::quiet), ""); }

TEST(Progress, CountsFromSeveralThreads) {
  const test::TemporaryFolder folder;
  std::FILE* stream = std::fopen((folder / "log").c_str(), "w");
  Progress progress(ProgressStyle::json, stream);
  progress.stage("work", 4000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 999; ++k) progress.advance();
    });
  for (std::thread& thread : threads) thread.join();
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  progress.advance(4);  // long enough after the last: is shown
  progress.finish();
  std::fclose(stream);
  test::expect_parts(test::read_bytes(folder / "log"), {"\"done\":4000,"});
}

}  // namespace
}  // namespace hci
