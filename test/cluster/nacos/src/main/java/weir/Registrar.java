package weir;

import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.PropertyKeyConst;
import com.alibaba.nacos.api.config.ConfigService;
import com.alibaba.nacos.api.exception.NacosException;
import com.alibaba.nacos.api.naming.NamingFactory;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.pojo.Instance;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/**
 * What an application with the official client does, one command of JSON a line on standard input, one answer a line on standard
 * output. The client is made from the properties {@code serverAddr}, {@code namespace}, {@code username} and {@code password}.
 */
public final class Registrar {
  private static final ObjectMapper JSON = new ObjectMapper();
  private final NamingService naming;
  private final ConfigService config;

  private Registrar(Properties properties) throws NacosException {
    naming = NamingFactory.createNamingService(properties);
    config = NacosFactory.createConfigService(properties);
  }

  public static void main(String[] args) throws Exception {
    PrintStream answers = System.out;
    // Libraries that print must not be taken for answers.
    System.setOut(System.err);
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    Properties properties = new Properties();
    JSON.readTree(commands.readLine()).fields()
        .forEachRemaining(entry -> properties.put(entry.getKey(), entry.getValue().asText()));
    properties.putIfAbsent(PropertyKeyConst.NAMESPACE, "");
    Registrar registrar = new Registrar(properties);
    answers.println("{\"ok\":true}");
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      answers.println(registrar.answer(line));
    }
    // The client's threads would keep the process alive. It goes as an application does that is stopped: its connection ends.
    Runtime.getRuntime().halt(0);
  }

  private String answer(String line) throws Exception {
    ObjectNode answer = JSON.createObjectNode();
    try {
      carryOut(JSON.readTree(line));
      answer.put("ok", true);
    } catch (NacosException error) {
      answer.put("ok", false).put("code", error.getErrCode()).put("message", error.getErrMsg());
    }
    return JSON.writeValueAsString(answer);
  }

  private void carryOut(JsonNode command) throws Exception {
    String group = command.path("group").asText("DEFAULT_GROUP");
    String service = command.path("service").asText();
    switch (command.path("do").asText()) {
      case "register":
        naming.registerInstance(service, group, instance(command.path("instance")));
        return;
      case "deregister":
        naming.deregisterInstance(service, group, instance(command.path("instance")));
        return;
      case "registerAll":
        naming.batchRegisterInstance(service, group, instances(command));
        return;
      case "deregisterSome":
        naming.batchDeregisterInstance(service, group, instances(command));
        return;
      case "publish":
        require(config.publishConfig(command.path("dataId").asText(), group, command.path("content").asText()));
        return;
      case "unpublish":
        require(config.removeConfig(command.path("dataId").asText(), group));
        return;
      default:
        throw new NacosException(NacosException.INVALID_PARAM, "no such command: " + command);
    }
  }

  private static void require(boolean isDone) throws NacosException {
    if (!isDone) throw new NacosException(NacosException.SERVER_ERROR, "the server did not do it");
  }

  private static List<Instance> instances(JsonNode command) throws Exception {
    List<Instance> instances = new ArrayList<>();
    for (JsonNode instance : command.path("instances")) instances.add(instance(instance));
    return instances;
  }

  private static Instance instance(JsonNode fields) throws Exception {
    return JSON.treeToValue(fields, Instance.class);
  }
}
